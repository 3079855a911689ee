import { findNearestName } from "#model-folder/manifest/find-nearest-name.ts";
import { type FolderProblem, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import type { Input, Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/manifest.ts";
import { checkRows } from "./check-rows.ts";
import { readCell } from "./read-cell.ts";
import { CsvBroken, splitCsv } from "./split-csv.ts";

/** The rows that a model is measured on, with what is true of each. */
export type Holdout =
  | { readonly task: "classification"; readonly rows: readonly Row[]; readonly labels: readonly string[] }
  | {
      readonly task: "regression";
      readonly rows: readonly Row[];
      /** The true values of each row by their name in the manifest's output. */
      readonly values: readonly Readonly<Record<string, number>>[];
    };

const maxHoldoutBytes = 64 * 1_024 * 1_024;
const maxHoldoutRows = 100_000;
const maxProblems = 100;
/** The column of what is true; where a model answers several values, one for each: `label.<name>`. */
const listTruthColumns = (manifest: Manifest): readonly string[] =>
  manifest.task === "regression" && "names" in manifest.output
    ? manifest.output.names.map((name) => `label.${name}`)
    : ["label"];

type HoldoutProblem = Omit<FolderProblem, "file" | "severity">;
type HoldoutContent = {
  readonly records: readonly (readonly string[])[];
  /** Of the record that begins as the n-th, counted from 1. */
  readonly line: (record: number) => number;
};

/** The line on which a character stands, counted from 1. */
const findLine = (text: string, offset: number): number => {
  let line = 1;
  for (let at = 0; at < offset; at++) {
    const end = text[at];
    if (end === "\n" || (end === "\r" && text[at + 1] !== "\n")) line++;
  }
  return line;
};

type Options = {
  /** True for a version that was promoted: it is read whatever today's limits say. */
  readonly promoted?: boolean;
};

const readRecords = (
  bytes: Uint8Array,
  manifest: Manifest,
  { promoted = false }: Options,
): HoldoutContent | { problem: HoldoutProblem } => {
  const whole = { line: 1, path: "", remedy: "Write holdout.csv again with the training project." };
  if (!promoted && bytes.length > maxHoldoutBytes)
    return { problem: { ...whole, message: `larger than ${maxHoldoutBytes / 1_024 / 1_024} MB` } };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { problem: { ...whole, message: "is not UTF-8 text" } };
  }
  try {
    const starts: number[] = [];
    const records = splitCsv(
      text,
      // Names that are too many are still told; the last of a header without end need not be read.
      {
        records: promoted ? Number.POSITIVE_INFINITY : maxHoldoutRows + 2,
        cells: manifest.inputs.length + maxProblems + 100,
      },
      starts,
    );
    return { records, line: (record) => findLine(text, starts[record] ?? 0) };
  } catch (error) {
    if (!(error instanceof CsvBroken)) throw error;
    const offset = Number(error.message.match(/character (\d+)/)?.[1] ?? 1) - 1;
    return {
      problem: {
        line: findLine(text, offset),
        path: "",
        message: error.message,
        remedy: "Correct the quoting here.",
      },
    };
  }
};

const checkHeader = (header: readonly string[], manifest: Manifest): HoldoutProblem[] => {
  const truths = listTruthColumns(manifest);
  const expected = [...manifest.inputs.map(({ name }) => name), ...truths];
  const seen = new Set<string>();
  const problems: HoldoutProblem[] = [];
  for (const name of header) {
    if (problems.length >= maxProblems) return problems;
    if (seen.has(name))
      problems.push({ line: 1, path: name, message: "two columns have this name", remedy: "Remove one." });
    seen.add(name);
    if (expected.includes(name)) continue;
    const near = findNearestName(name, expected);
    problems.push({
      line: 1,
      path: name.slice(0, 128),
      message: "is no input of the manifest",
      remedy: near ? `Did you mean ${near}?` : "Remove the column, or add it to inputs in model.yaml.",
    });
  }
  for (const name of expected)
    if (!seen.has(name))
      problems.push({
        line: 1,
        path: name,
        message: "this column is missing",
        remedy: `The header is the manifest's inputs and ${truths.slice(0, 10).join(", ")}.`,
      });
  return problems;
};

const toRows = (
  records: HoldoutContent["records"],
  header: readonly string[],
  inputs: readonly Input[],
): Row[] => {
  const columns = inputs.map((input) => ({ input, at: header.indexOf(input.name) }));
  return records.map((record) =>
    Object.fromEntries(columns.map(({ input, at }) => [input.name, readCell(record[at] ?? "", input)])),
  );
};

const checkTruth = (
  text: string,
  manifest: Manifest,
): Pick<HoldoutProblem, "message" | "remedy"> | undefined => {
  if (manifest.task === "classification")
    return manifest.output.labels.includes(text)
      ? undefined
      : {
          message: `${JSON.stringify(text.slice(0, 64))} is none of the manifest's labels`,
          remedy: `Write ${manifest.output.labels.slice(0, 20).join(" or ")}.`,
        };
  return text.trim() !== "" && Number.isFinite(Number(text))
    ? undefined
    : { message: `${JSON.stringify(text.slice(0, 64))} is no number`, remedy: "Write the measured value." };
};

type Truths = readonly (readonly { readonly name: string; readonly text: string }[])[];

const checkTruths = (truths: Truths, manifest: Manifest) => {
  const found: { row: number; path: string; message: string; remedy: string }[] = [];
  for (const [row, cells] of truths.entries())
    for (const { name, text } of cells) {
      const wrong = found.length < maxProblems ? checkTruth(text, manifest) : undefined;
      if (wrong) found.push({ row, path: name, ...wrong });
    }
  return found;
};

/**
 * Reads holdout.csv: a header with the manifest's inputs in any order and `label` (for regression: the true value;
 * for one of several values: `label.<name>` of each).
 * Throws ManifestInvalid with the line of each cell that does not fit.
 */
export const parseHoldout = (
  bytes: Uint8Array,
  manifest: Manifest,
  { promoted = false }: Options = {},
): Holdout => {
  const invalid = (problems: readonly HoldoutProblem[]) =>
    new ManifestInvalid(
      problems.slice(0, maxProblems).map((found) => ({ severity: "error", file: "holdout.csv", ...found })),
    );
  const check = (problems: readonly HoldoutProblem[]): void => {
    if (problems.length > 0) throw invalid(problems);
  };
  const content = readRecords(bytes, manifest, { promoted });
  if ("problem" in content) throw invalid([content.problem]);
  const [header = [], ...records] = content.records;
  /** Of the n-th row: the header stands before them. */
  const line = (row: number): number => content.line(row + 1);
  check(checkHeader(header, manifest));
  if (records.length < 1 || (!promoted && records.length > maxHoldoutRows))
    check([
      {
        line: 1,
        path: "",
        message:
          records.length < 1
            ? "holds no rows"
            : `holds more than ${maxHoldoutRows.toLocaleString("en")} rows`,
        remedy: `A holdout has 1 to ${maxHoldoutRows} rows.`,
      },
    ]);
  check(
    records.flatMap((record, row) =>
      record.length === header.length
        ? []
        : [
            {
              line: line(row),
              path: "",
              message: `${record.length} cells stand under ${header.length} names`,
              remedy: "Write one cell for each column.",
            },
          ],
    ),
  );
  const rows = toRows(records, header, manifest.inputs);
  const columns = listTruthColumns(manifest).map((name) => ({ name, at: header.indexOf(name) }));
  const truths = records.map((record) => columns.map(({ name, at }) => ({ name, text: record[at] ?? "" })));
  check([
    ...checkRows(manifest)(rows).map(({ row, input, detail }) => ({
      line: line(row ?? 0),
      path: input ?? "",
      message: detail,
      remedy: "Holdout rows are rows that the manifest's inputs allow: correct one of the two.",
    })),
    ...checkTruths(truths, manifest).map(({ row, ...problem }) => ({ line: line(row), ...problem })),
  ]);
  if (manifest.task === "classification")
    return { task: "classification", rows, labels: truths.map(([cell]) => cell?.text ?? "") };
  const names = valueNames(manifest.output);
  const values = truths.map((cells) =>
    Object.fromEntries(names.map((name, at) => [name, Number(cells[at]?.text)])),
  );
  return { task: "regression", rows, values };
};
