import { CsvError, parse } from "csv-parse/sync";
import * as z from "zod";
import { NewModelRefused } from "./new-model-refused.ts";

/** A CSV: the text of each cell, by column. */
export type CsvTable = {
  readonly columns: ReadonlyMap<string, readonly string[]>;
  readonly rows: number;
  /** What was left out. */
  readonly notes: readonly string[];
};

const maxBytes = 64 * 1_024 * 1_024;
const maxRows = 100_000;
const maxColumns = 2_100;
const Records = z.array(z.array(z.string()));

const parseRecords = (bytes: Uint8Array, file: string): z.infer<typeof Records> => {
  if (bytes.length > maxBytes)
    throw new NewModelRefused(
      `${file} is too large (limit ${maxBytes / 1_024 / 1_024} MB)`,
      "Use a sample of it.",
    );
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return Records.parse(parse(text, { bom: true, skip_empty_lines: true }));
  } catch (error) {
    throw error instanceof CsvError
      ? new NewModelRefused(`${file}: ${error.message}`, "Correct the line, or write the file again.")
      : new NewModelRefused(`${file} is not UTF-8 text`, "Write it with encoding utf-8.");
  }
};

const checkHeader = (header: readonly string[], file: string): void => {
  const [only = ""] = header;
  if (header.length === 1 && /[;\t]/.test(only))
    throw new NewModelRefused(
      `${file} separates its columns by ${only.includes(";") ? "semicolons" : "tabs"}`,
      "Write it with commas, and numbers with a decimal point.",
    );
  if (header.length > maxColumns)
    throw new NewModelRefused(
      `${file} has ${header.length} columns`,
      "A model has at most 2,000 inputs: keep only these and the target.",
    );
  const duplicate = header.find((name, at) => header.indexOf(name) !== at);
  if (duplicate !== undefined)
    throw new NewModelRefused(`${file} has two columns named ${duplicate}`, "Rename or remove one.");
};

/**
 * Reads a CSV with a header and commas. Leaves out a first column without a name, because pandas writes row numbers
 * there. Throws NewModelRefused for other files, and beyond 64 MB, 100,000 rows or 2,100 columns.
 */
export const readCsvTable = (bytes: Uint8Array, file: string): CsvTable => {
  const [header = [], ...records] = parseRecords(bytes, file);
  checkHeader(header, file);
  if (records.length < 1 || records.length > maxRows)
    throw new NewModelRefused(
      `${file} holds ${records.length} rows`,
      `Use 1 to ${maxRows} rows below a header; some hundred are enough.`,
    );
  const columns = new Map(header.map((name, at) => [name, records.map((record) => record[at] ?? "")]));
  const numbered = header[0] === "" && columns.size > 1;
  if (numbered) columns.delete("");
  if (columns.has(""))
    throw new NewModelRefused(`${file} has a column without a name`, "Name it in the header, or remove it.");
  return {
    columns,
    rows: records.length,
    notes: numbered ? ["The first column was left out: it has no name (pandas' row numbers)."] : [],
  };
};
