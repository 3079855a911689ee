import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import * as z from "zod";
import { KeptRow } from "./kept-request.ts";

const decompress = promisify(zstdDecompress);

/** What a request of 6 MB may become as records, with room to spare. */
const longestBytes = 200_000_000;

/** The first line: what the values of the lines below are called. */
export const RowLinesHeader = z.object({ inputs: z.array(z.string()), scores: z.array(z.string()) });
export type RowLinesHeader = z.infer<typeof RowLinesHeader>;

const named = (names: readonly string[], values: unknown): unknown =>
  Array.isArray(values) ? Object.fromEntries(names.map((name, index) => [name, values[index]])) : values;

const rowOf = (header: RowLinesHeader, parsed: unknown): KeptRow => {
  if (!Array.isArray(parsed)) return KeptRow.parse(parsed);
  const [inputs, hash, label, value, band, scores] = parsed;
  return KeptRow.parse({
    ...(header.inputs.length > 0 ? { inputs: named(header.inputs, inputs) } : {}),
    ...(hash === null ? {} : { hash }),
    prediction: {
      scores: named(header.scores, scores),
      ...(label === null ? {} : { label }),
      ...(value === null ? {} : { value }),
      ...(band === null ? {} : { band }),
    },
  });
};

/** The rows that `packRows` was given, by their index. Of 10,000 only those that are asked for are parsed. */
export const unpackRows = async (bytes: Uint8Array): Promise<(index: number) => KeptRow | undefined> => {
  const text = (await decompress(bytes, { maxOutputLength: longestBytes })).toString("utf8");
  const [first = "", ...lines] = text.split("\n");
  const header = RowLinesHeader.parse(JSON.parse(first));
  return (index) => {
    const here = lines[index];
    return here === undefined ? undefined : rowOf(header, JSON.parse(here));
  };
};
