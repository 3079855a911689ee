import { findNearestName } from "#model-folder/manifest/find-nearest-name.ts";
import { type FolderProblem, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import type { Input, Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { checkRows } from "./check-rows.ts";
import { checkTagCounts } from "./check-tag-counts.ts";
import { checkTruth } from "./check-truth.ts";
import type { Holdout } from "./holdout.ts";
import { findGroupColumn, listTruthColumns } from "./list-truth-columns.ts";
import { readCell } from "./read-cell.ts";
import { readTruth } from "./read-truth.ts";
import { CsvBroken, splitCsv } from "./split-csv.ts";

const maxHoldoutBytes = 64 * 1_024 * 1_024;
const maxHoldoutRows = 100_000;
const maxProblems = 100;
type HoldoutProblem = Omit<FolderProblem, "file" | "severity">;
type HoldoutContent = {
  readonly records: readonly (readonly string[])[];
  /** The line on which a record starts. Record 0 is the header; lines count from 1. */
  readonly line: (record: number) => number;
};

/** Returns the line of an offset, counted from 1. */
const findLine = (text: string, offset: number): number => {
  let line = 1;
  for (let index = 0; index < offset; index++) {
    const character = text[index];
    if (character === "\n" || (character === "\r" && text[index + 1] !== "\n")) line++;
  }
  return line;
};

type Options = {
  /** True for a promoted version: today's limits do not apply to it. */
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
      // Enough cells to report 100 unknown columns; an endless header is not read to its end.
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
  const group = findGroupColumn(manifest);
  const added = [...listTruthColumns(manifest), ...(group === undefined ? [] : [group])];
  const expected = [...manifest.inputs.map(({ name }) => name), ...added];
  const seen = new Set<string>();
  const problems: HoldoutProblem[] = [];
  for (const name of header) {
    if (problems.length >= maxProblems) return problems;
    if (seen.has(name))
      problems.push({ line: 1, path: name, message: "duplicate column", remedy: "Remove one." });
    seen.add(name);
    if (expected.includes(name)) continue;
    const nearest = findNearestName(name, expected);
    problems.push({
      line: 1,
      path: name.slice(0, 256),
      message: "unknown column",
      remedy: nearest ? `Did you mean ${nearest}?` : "Remove the column, or add it to inputs in model.yaml.",
    });
  }
  for (const name of expected)
    if (!seen.has(name))
      problems.push({
        line: 1,
        path: name,
        message: "missing column",
        remedy: `The header must have the manifest's inputs and ${added.slice(0, 10).join(", ")}.`,
      });
  return problems;
};

const toRows = (
  records: HoldoutContent["records"],
  header: readonly string[],
  inputs: readonly Input[],
): Row[] => {
  const columns = inputs.map((input) => ({ input, index: header.indexOf(input.name) }));
  return records.map((record) =>
    Object.fromEntries(columns.map(({ input, index }) => [input.name, readCell(record[index] ?? "", input)])),
  );
};

type LabelCells = readonly (readonly { readonly name: string; readonly text: string }[])[];

const checkLabels = (labelCells: LabelCells, manifest: Manifest) => {
  const problems: { row: number; path: string; message: string; remedy: string }[] = [];
  for (const [row, cells] of labelCells.entries())
    for (const [column, { name, text }] of cells.entries()) {
      const problem = problems.length < maxProblems ? checkTruth(text, manifest, column) : undefined;
      if (problem) problems.push({ row, path: name, ...problem });
    }
  return problems;
};

/**
 * Parses holdout.csv: a header with the manifest's inputs in any order and `label` (for regression: the true value; with
 * several values or labels: `label.<name>` for each; where an input is named so, listTruthColumns has the names; a ranking has
 * its group column too). Throws ManifestInvalid with the line of each invalid cell.
 */
export const parseHoldout = (
  bytes: Uint8Array,
  manifest: Manifest,
  { promoted = false }: Options = {},
): Holdout => {
  const invalid = (problems: readonly HoldoutProblem[]) =>
    new ManifestInvalid(
      problems
        .slice(0, maxProblems)
        .map((problem) => ({ severity: "error", file: "holdout.csv", ...problem })),
    );
  const check = (problems: readonly HoldoutProblem[]): void => {
    if (problems.length > 0) throw invalid(problems);
  };
  const content = readRecords(bytes, manifest, { promoted });
  if ("problem" in content) throw invalid([content.problem]);
  const [header = [], ...records] = content.records;
  /** The line of a row; the header is record 0. */
  const line = (row: number): number => content.line(row + 1);
  check(checkHeader(header, manifest));
  if (records.length < 1 || (!promoted && records.length > maxHoldoutRows))
    check([
      {
        line: 1,
        path: "",
        message:
          records.length < 1 ? "has no rows" : `has more than ${maxHoldoutRows.toLocaleString("en")} rows`,
        remedy: `A holdout must have 1 to ${maxHoldoutRows.toLocaleString("en")} rows.`,
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
              message: `${record.length} cells, but the header has ${header.length} columns`,
              remedy: "Write one cell for each column.",
            },
          ],
    ),
  );
  const rows = toRows(records, header, manifest.inputs);
  const columns = listTruthColumns(manifest).map((name) => ({ name, index: header.indexOf(name) }));
  const labelCells = records.map((record) =>
    columns.map(({ name, index }) => ({ name, text: record[index] ?? "" })),
  );
  check([
    ...checkRows(manifest)(rows).map(({ row, input, detail }) => ({
      line: line(row ?? 0),
      path: input ?? "",
      message: detail,
      remedy: "Holdout rows must match the manifest's inputs: correct one of the two.",
    })),
    ...checkLabels(labelCells, manifest).map(({ row, ...problem }) => ({ line: line(row), ...problem })),
  ]);
  check(
    checkTagCounts(
      manifest,
      rows,
      labelCells.map(([cell]) => cell?.text ?? ""),
    ).map(({ row, ...problem }) => ({ line: line(row), path: columns[0]?.name ?? "", ...problem })),
  );
  const group = header.indexOf(findGroupColumn(manifest) ?? "");
  return readTruth(manifest, {
    rows,
    cells: labelCells.map((cells) => cells.map(({ text }) => text)),
    groups: records.map((record) => record[group] ?? ""),
  });
};
