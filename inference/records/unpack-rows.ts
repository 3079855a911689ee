import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import * as z from "zod";
import { StoredRow } from "./stored-request.ts";

const decompress = promisify(zstdDecompress);

/** What a request of 6 MB may become as records, with room to spare. */
const maxRowsBytes = 200_000_000;

/** The first line: what the values of the lines below are called. */
export const RowLinesHeader = z.object({ inputs: z.array(z.string()), scores: z.array(z.string()) });
export type RowLinesHeader = z.infer<typeof RowLinesHeader>;

const zipNames = (names: readonly string[], values: unknown): unknown =>
  Array.isArray(values) ? Object.fromEntries(names.map((name, index) => [name, values[index]])) : values;

const parseRow = (header: RowLinesHeader, parsed: unknown): StoredRow => {
  if (!Array.isArray(parsed)) return StoredRow.parse(parsed);
  const [inputs, hash, label, value, band, scores] = parsed;
  return StoredRow.parse({
    ...(header.inputs.length > 0 ? { inputs: zipNames(header.inputs, inputs) } : {}),
    ...(hash === null ? {} : { hash }),
    prediction: {
      scores: zipNames(header.scores, scores),
      ...(label === null ? {} : { label }),
      ...(value === null ? {} : { value }),
      ...(band === null ? {} : { band }),
    },
  });
};

/** A row by its index; with a label it may leave out a row that does not have it. */
export type ReadRow = (index: number, label?: string) => StoredRow | undefined;

/** The rows that `packRows` was given. Of 10,000 only those that are asked for, and may have the label, are parsed. */
export const unpackRows = async (bytes: Uint8Array): Promise<ReadRow> => {
  const text = (await decompress(bytes, { maxOutputLength: maxRowsBytes })).toString("utf8");
  const [first = "", ...lines] = text.split("\n");
  const header = RowLinesHeader.parse(JSON.parse(first));
  return (index, label) => {
    const here = lines[index];
    if (here === undefined || (label !== undefined && !here.includes(JSON.stringify(label))))
      return undefined;
    return parseRow(header, JSON.parse(here));
  };
};
