import { CsvError } from "csv-parse/sync";
import { isMissing, isNumber, isTruthWord } from "./csv-cells.ts";
import { type DecimalMark, type Delimiter, describeDialect } from "./csv-dialect.ts";
import { decodeTableText, type TableEncoding } from "./decode-table-text.ts";
import { findDecimalMark, replaceDecimalCommas } from "./find-decimal-mark.ts";
import { findDelimiter } from "./find-delimiter.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { type CsvRecords, findQuotedNames, parseCsv } from "./parse-csv.ts";

/** A table: the text of each cell, by column. */
export type CsvTable = {
  readonly columns: ReadonlyMap<string, readonly string[]>;
  readonly rows: number;
  /** What was left out, and how the file was read where it is no CSV with commas. */
  readonly notes: readonly string[];
};

export type CsvOptions = {
  /** Found in the file where it is absent. */
  readonly encoding?: TableEncoding | undefined;
  readonly delimiter?: Delimiter | undefined;
  readonly decimal?: DecimalMark | undefined;
  /** Columns that a person has named: the header must have them. */
  readonly named?: readonly string[];
  /** Names that keep their blanks: the graph's inputs. */
  readonly exactNames?: readonly string[];
  /** Whether the graph holds this text: then a cell's leading blank belongs to it. */
  readonly isStored?: (text: string) => boolean;
};

export const maxTableBytes = 64 * 1_024 * 1_024;
const maxRows = 100_000;
const maxColumns = 2_100;

const parseRecords = (text: string, file: string, delimiter: Delimiter): CsvRecords => {
  try {
    return parseCsv(text, { delimiter });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new NewModelRefused(`${file}: ${error.message}`, "Correct the line, or write the file again.");
  }
};

const outerBlanks = /^[ \t\u00a0]+|[ \t\u00a0]+$/g;

/** Removes blanks around names, because `a, b` is a common way to write a header. */
const trimHeader = (
  header: readonly string[],
  quoted: readonly boolean[],
  { exactNames = [] }: CsvOptions,
): { readonly names: readonly string[]; readonly trimmed: readonly string[] } => {
  const names = header.map((name, at) => {
    const short = name.replaceAll(outerBlanks, "");
    const isOther = quoted[at] || exactNames.includes(name) || header.includes(short) || short === "";
    return isOther ? name : short;
  });
  return { names, trimmed: names.filter((name, at) => name !== header[at]) };
};

const checkHeader = (header: readonly string[], file: string): void => {
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
 * Removes the blank after a delimiter. Numbers have none of their own. In text it goes where all cells start with one, and
 * the graph does not hold the text with it: pandas keeps that blank, and a model may have learnt it.
 */
const trimCells = (
  cells: readonly string[],
  isStored: (text: string) => boolean,
): { readonly cells: readonly string[]; readonly status: "kept" | "same" | "trimmed" } => {
  const trimmed = cells.map((text) => text.replaceAll(outerBlanks, ""));
  if (trimmed.every((text, at) => text === cells[at])) return { cells, status: "same" };
  if (trimmed.every((text) => isMissing(text, false) || isNumber(text) || isTruthWord(text)))
    return { cells: trimmed, status: "same" };
  if (!cells.every((text) => text === "" || /^[ \t]/.test(text))) return { cells, status: "same" };
  return cells.some((text) => text !== "" && isStored(text))
    ? { cells, status: "kept" }
    : { cells: trimmed, status: "trimmed" };
};

const listNames = (names: readonly string[]): string =>
  `${names.slice(0, 10).join(", ")}${names.length > 10 ? `, … (${names.length} in all)` : ""}`;

/**
 * Reads a CSV with a header. What is no comma, no decimal point and not UTF-8 is found in the file and noted; where the file
 * can be read in two ways, the options decide. Leaves out a first column without a name, because pandas writes row numbers
 * there. Throws NewModelRefused for other files, and beyond 64 MB, 100,000 rows or 2,100 columns.
 */
export const readCsvTable = (bytes: Uint8Array, file: string, options: CsvOptions = {}): CsvTable => {
  if (bytes.length > maxTableBytes)
    throw new NewModelRefused(
      `${file} is too large (limit ${maxTableBytes / 1_024 / 1_024} MB)`,
      "Use a sample of it.",
    );
  const { named = [], isStored = () => false } = options;
  const { text, notes: encodingNotes } = decodeTableText(bytes, file, options.encoding);
  const delimiter = options.delimiter ?? findDelimiter(text, { file, named });
  const [first = [], ...records] = parseRecords(text, file, delimiter);
  const { names: header, trimmed: trimmedNames } = trimHeader(
    first,
    findQuotedNames(text, delimiter),
    options,
  );
  checkHeader(header, file);
  if (records.length < 1 || records.length > maxRows)
    throw new NewModelRefused(
      `${file} holds ${records.length} rows`,
      `Use 1 to ${maxRows} rows below a header; some hundred are enough.`,
    );
  const decimal = options.decimal ?? findDecimalMark(records, { file, delimiter });
  const trimmedColumns: string[] = [];
  const keptColumns: string[] = [];
  const columns = new Map(
    header.map((name, at) => {
      const { cells, status } = trimCells(
        records.map((record) => record[at] ?? ""),
        isStored,
      );
      if (status === "trimmed") trimmedColumns.push(name);
      if (status === "kept") keptColumns.push(name);
      const numbers = decimal === "," ? replaceDecimalCommas(cells, (each) => isMissing(each, false)) : cells;
      return [name, numbers];
    }),
  );
  const numbered = header[0] === "" && columns.size > 1;
  if (numbered) columns.delete("");
  if (columns.has(""))
    throw new NewModelRefused(`${file} has a column without a name`, "Name it in the header, or remove it.");
  return {
    columns,
    rows: records.length,
    notes: [
      ...encodingNotes,
      ...describeDialect(file, delimiter, decimal),
      ...(trimmedNames.length > 0
        ? [`Names without the blanks around them: ${listNames(trimmedNames)}.`]
        : []),
      ...(trimmedColumns.length > 0
        ? [`Cells without the blank after the delimiter: ${listNames(trimmedColumns)}.`]
        : []),
      ...(keptColumns.length > 0
        ? [`Cells start with a blank, as the graph's own texts do: ${listNames(keptColumns)}.`]
        : []),
      ...(numbered ? ["The first column was left out: it has no name (pandas' row numbers)."] : []),
    ],
  };
};
