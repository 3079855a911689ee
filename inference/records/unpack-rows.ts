import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import * as z from "zod";
import { parseJson } from "#untrusted/parse-json.ts";
import { StoredRow } from "./stored-request.ts";

const decompress = promisify(zstdDecompress);

/** The records of a 6 MB request are always smaller. */
const maxRowsBytes = 200_000_000;

/** The first line: the names of the values in the lines below. */
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

/** Returns a row by its index; with a label it may return undefined for a row with another label. */
export type ReadRow = (index: number, label?: string) => StoredRow | undefined;

/** Unpacks the rows of `packRows`. A row is parsed only when it is read and may have the label. */
export const unpackRows = async (bytes: Uint8Array): Promise<ReadRow> => {
  const text = (await decompress(bytes, { maxOutputLength: maxRowsBytes })).toString("utf8");
  const [first = "", ...lines] = text.split("\n");
  const header = RowLinesHeader.parse(JSON.parse(first));
  return (index, label) => {
    const line = lines[index];
    if (line === undefined || (label !== undefined && !line.includes(JSON.stringify(label))))
      return undefined;
    return parseRow(header, parseJson(line));
  };
};
