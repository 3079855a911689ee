import { alignColumn, ColumnsHead, columnTypes } from "./column-format.ts";
import { StoredRow } from "./stored-request.ts";
import type { ReadRow } from "./unpack-rows.ts";

type NumberList = { readonly at: (row: number) => number | undefined };

/** Reads the lists of numbers one after the other. Throws RangeError if the bytes end before. */
const openLists = (bytes: Uint8Array, count: number) => {
  // Lists are read where they begin at a multiple of 8 bytes; a slice of a Buffer would be no copy.
  const memory = new Uint8Array(bytes).buffer;
  let end = alignColumn(count);
  return (list: number, length: number): NumberList => {
    const type = columnTypes[bytes[list] ?? columnTypes.length];
    if (list >= count || !type) throw new RangeError("the record has a list of numbers of an unknown type");
    const { array: NumberArray, missing } = type;
    const numbers = new NumberArray(memory, end, length);
    end = alignColumn(end + numbers.byteLength);
    return {
      at: (row) => {
        const number = numbers[row];
        // JSON has no negative zero.
        return number === undefined || number === missing || Number.isNaN(number) ? undefined : number + 0;
      },
    };
  };
};

type Kind = ColumnsHead["inputs"][number][1];

/** A value as JSON has it. */
const readValue = (kind: Kind, number: number | undefined): unknown => {
  if (number === undefined) return null;
  if (kind === "number") return number;
  return kind === "boolean" ? number === 1 : kind[number];
};

/**
 * Unpacks the rows of createColumnPacker. A row is made only when it is read and has the label. Throws RangeError for bytes that the head does
 * not describe.
 */
export const unpackColumns = (head: ColumnsHead, bytes: Uint8Array): ReadRow => {
  const { rows, inputs, scores, labels, bands } = head;
  const readList = openLists(bytes, inputs.length + 1 + (labels ? 1 : 0) + (bands ? 1 : 0));
  const values = inputs.map((_, column) => readList(column, rows));
  const scoreList = readList(inputs.length, rows * scores.length);
  const labelList = labels && readList(inputs.length + 1, rows);
  const bandList = bands && readList(inputs.length + (labels ? 2 : 1), rows);

  return (index, wanted) => {
    if (index >= rows) return undefined;
    const label = labels?.[labelList?.at(index) ?? -1];
    if (wanted !== undefined && label !== wanted) return undefined;
    const numbers = scores.map((name, at) => [name, scoreList.at(index * scores.length + at)] as const);
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
  return unpackColumns(head, bytes.subarray(end + 1));
};
