import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { StoredRow } from "./stored-request.ts";
import type { RowLinesHeader } from "./unpack-rows.ts";

const compress = promisify(zstdCompress);

/** The least of Zstandard's regular levels: 5 MB take a third of gzip's quickest, and become smaller. */
const compressionOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export const rowLinesType = "application/zstd";

/** The values of exactly these names; undefined where there are others. */
const pickValues = (
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
): readonly unknown[] | undefined => {
  const values: unknown[] = [];
  for (const name of names) {
    const value = getOwnProperty(given, name);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return Object.keys(given).length === names.length ? values : undefined;
};

/** A row whose names are those of the first without them, which halves the work; any other as an object. */
const formatLine = (header: RowLinesHeader, row: StoredRow): string => {
  const { inputs, hash, prediction } = row;
  const { scores, label, value, band } = prediction;
  const alike = (inputs === undefined) === (header.inputs.length === 0);
  const given = alike ? pickValues(header.inputs, inputs ?? {}) : undefined;
  const scored = pickValues(header.scores, scores);
  return given && scored
    ? JSON.stringify([given, hash ?? null, label ?? null, value ?? null, band ?? null, scored])
    : JSON.stringify(row);
};

/** Rows as lines of JSON, compressed; `rows` has at least one. */
export const packRows = (rows: readonly StoredRow[]): Promise<Uint8Array> => {
  const [first] = rows;
  const header: RowLinesHeader = {
    inputs: Object.keys(first?.inputs ?? {}),
    scores: Object.keys(first?.prediction.scores ?? {}),
  };
  const lines = [JSON.stringify(header), ...rows.map((row) => formatLine(header, row))];
  return compress(Buffer.from(lines.join("\n")), compressionOptions);
};
