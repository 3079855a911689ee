import { alignLists, type ColumnNames, ColumnsHead, columnTypes, typeOrder } from "./column-format.ts";
import { StoredRow } from "./stored-request.ts";
import type { ReadRow } from "./unpack-rows.ts";

type NumberList = { readonly at: (row: number) => number | undefined };

const missingList = (): never => {
  throw new RangeError("the record has a list of numbers of an unknown type");
};

/**
 * Opens the lists of numbers. Throws RangeError if the bytes end before.
 * @param lengths the number of elements of each list
 */
const openLists = (bytes: Uint8Array, lengths: readonly number[]): readonly NumberList[] => {
  // Lists are read where each number is at a multiple of its size; a slice of a Buffer would be no copy.
  const memory = new Uint8Array(bytes).buffer;
  const lists = new Map<number, NumberList>();
  let end = alignLists(lengths.length);
  for (const type of typeOrder)
    for (const [list, length] of lengths.entries()) {
      if (bytes[list] !== type) continue;
      const { array: NumberArray, missing } = columnTypes[type];
      const numbers = new NumberArray(memory, end, length);
      end += numbers.byteLength;
      lists.set(list, {
        at: (row) => {
          const number = numbers[row];
          // JSON has no negative zero.
          return number === undefined || number === missing || Number.isNaN(number) ? undefined : number + 0;
        },
      });
    }
  return lengths.map((_, list) => lists.get(list) ?? missingList());
};

type Kind = ColumnNames["inputs"][number][1];

/** A value as JSON has it. */
const readValue = (kind: Kind, number: number | undefined): unknown => {
  if (number === undefined) return null;
  if (kind === "number") return number;
  return kind === "boolean" ? number === 1 : kind[number];
};

/**
 * Unpacks the rows of createColumnPacker. A row is made only when it is read and has the label. Throws RangeError for bytes that the names do
 * not describe.
 */
export const unpackColumns = (
  { inputs, scores, labels, bands }: ColumnNames,
  rows: number,
  bytes: Uint8Array,
): ReadRow => {
  const values = openLists(bytes, [
    ...inputs.map(() => rows),
    rows * scores.length,
    ...(labels ? [rows] : []),
    ...(bands ? [rows] : []),
  ]);
  const scoreList = values[inputs.length];
  const labelList = labels && values[inputs.length + 1];
  const bandList = bands && values[inputs.length + (labels ? 2 : 1)];

  return (index, wanted) => {
    if (index >= rows) return undefined;
    const label = labels?.[labelList?.at(index) ?? -1];
    if (wanted !== undefined && label !== wanted) return undefined;
    const numbers = scores.map((name, at) => [name, scoreList?.at(index * scores.length + at)] as const);
    return StoredRow.parse({
      ...(inputs.length > 0
        ? {
            inputs: Object.fromEntries(
              inputs.map(([name, kind], column) => [name, readValue(kind, values[column]?.at(index))]),
            ),
          }
        : {}),
      prediction: {
        ...(label === undefined ? {} : { label }),
        ...(labels === undefined && scores.length === 1 ? { value: numbers[0]?.[1] } : {}),
        scores: Object.fromEntries(numbers),
        ...(bands ? { band: bands[bandList?.at(index) ?? -1] } : {}),
      },
    });
  };
};

const newline = 0x0a;
const brace = 0x7b;

/** Whether a blob of rows has columns: it begins with the head's JSON, and Zstandard with another byte. */
export const isColumnsBlob = (bytes: Uint8Array): boolean => bytes[0] === brace;

/** Unpacks a blob: the head as a line of JSON, then the lists. */
export const unpackColumnsBlob = (bytes: Uint8Array): ReadRow => {
  const end = bytes.indexOf(newline);
  const head = ColumnsHead.parse(JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()));
  return unpackColumns(head, head.rows, bytes.subarray(end + 1));
};
