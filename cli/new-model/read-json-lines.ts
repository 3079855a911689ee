import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { CsvTable } from "./read-csv-table.ts";

const maxBytes = 256 * 1_024 * 1_024;
const maxRows = 100_000;

/** A value as a cell of a CSV has it: arrays and objects as JSON. */
const formatCell = (value: unknown): string => {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

const parseLine = (line: string, number: number, file: string): Readonly<Record<string, unknown>> => {
  try {
    const row: unknown = JSON.parse(line);
    if (isJsonObject(row)) return row;
  } catch {
    // The same sentence explains both.
  }
  throw new NewModelRefused(
    `${file}: line ${number} is no JSON object`,
    'Write one row per line, as {"image": [[…]], "label": "cat"}.',
  );
};

/** Reads a table of JSON lines, one object per row, whose values may be nested arrays. Throws NewModelRefused. */
export const readJsonLines = (bytes: Uint8Array, file: string): CsvTable => {
  if (bytes.length > maxBytes)
    throw new NewModelRefused(
      `${file} is too large (limit ${maxBytes / 1_024 / 1_024} MB)`,
      "Use a sample of it.",
    );
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  const rows = lines.flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(line, index + 1, file)]));
  if (rows.length < 1 || rows.length > maxRows)
    throw new NewModelRefused(`${file} holds ${rows.length} rows`, `Use 1 to ${maxRows} rows.`);
  const names = [...new Set(rows.flatMap(Object.keys))];
  return {
    columns: new Map(names.map((name) => [name, rows.map((row) => formatCell(getOwnProperty(row, name)))])),
    rows: rows.length,
    notes: [],
  };
};
