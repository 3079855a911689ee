import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import * as z from "zod";
import { KeptRow } from "./kept-request.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The least of Zstandard's regular levels: 5 MB take a third of gzip's quickest, and become smaller. */
const quick = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** What a request of 6 MB may become as records, with room to spare. */
const longestBytes = 200_000_000;

export const rowLinesType = "application/zstd";

/** The first line: what the values of the lines below are called. */
const Header = z.object({ inputs: z.array(z.string()), scores: z.array(z.string()) });
type Header = z.infer<typeof Header>;

/** The values of exactly these names; undefined where there are others. What all objects inherit is no value. */
const valuesOf = (
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
): readonly unknown[] | undefined => {
  const values: unknown[] = [];
  for (const name of names) {
    const value = given[name];
    if (value === undefined || typeof value === "function") return undefined;
    values.push(value);
  }
  return Object.keys(given).length === names.length ? values : undefined;
};

/** A row whose names are those of the first without them, which halves the work; any other as an object. */
const line = (header: Header, row: KeptRow): string => {
  const { inputs, hash, prediction } = row;
  const { scores, label, value, band } = prediction;
  const alike = (inputs === undefined) === (header.inputs.length === 0);
  const given = alike ? valuesOf(header.inputs, inputs ?? {}) : undefined;
  const scored = valuesOf(header.scores, scores);
  return given && scored
    ? JSON.stringify([given, hash ?? null, label ?? null, value ?? null, band ?? null, scored])
    : JSON.stringify(row);
};

/** Rows as lines of JSON, compressed; `rows` has at least one. */
export const packRows = (rows: readonly KeptRow[]): Promise<Uint8Array> => {
  const [first] = rows;
  const header: Header = {
    inputs: Object.keys(first?.inputs ?? {}),
    scores: Object.keys(first?.prediction.scores ?? {}),
  };
  const lines = [JSON.stringify(header), ...rows.map((row) => line(header, row))];
  return compress(Buffer.from(lines.join("\n")), quick);
};

const named = (names: readonly string[], values: unknown): unknown =>
  Array.isArray(values) ? Object.fromEntries(names.map((name, index) => [name, values[index]])) : values;

const rowOf = (header: Header, parsed: unknown): KeptRow => {
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
  const header = Header.parse(JSON.parse(first));
  return (index) => {
    const here = lines[index];
    return here === undefined ? undefined : rowOf(header, JSON.parse(here));
  };
};
