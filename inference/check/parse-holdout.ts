import { CsvError, parse } from "csv-parse/sync";
import * as z from "zod";
import { ManifestInvalid, type Problem } from "../manifest/folder-problem.ts";
import type { Input, Manifest, Row } from "../manifest/manifest.ts";
import { nearestName } from "../manifest/nearest-name.ts";
import { valueNames } from "../manifest/value-names.ts";
import { readCell } from "../model/read-cell.ts";
import { rowChecker } from "../model/row-checker.ts";

/** The rows that a model is measured on, with what is true of each. */
export type Holdout =
  | { readonly task: "classification"; readonly rows: readonly Row[]; readonly labels: readonly string[] }
  | {
      readonly task: "regression";
      readonly rows: readonly Row[];
      /** The true values of each row by their name in the manifest's output. */
      readonly values: readonly Readonly<Record<string, number>>[];
    };

export const maxHoldoutBytes = 64 * 1_024 * 1_024;
const maxHoldoutRows = 100_000;
const maxProblems = 100;
/** The column of what is true; where a model answers several values, one for each: `label.<name>`. */
const truthColumns = (manifest: Manifest): readonly string[] =>
  manifest.task === "regression" && "names" in manifest.output
    ? manifest.output.names.map((name) => `label.${name}`)
    : ["label"];

type Located = Omit<Problem, "file" | "severity">;
const Records = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) }));
type Records = z.infer<typeof Records>;

const read = (bytes: Uint8Array): { records: Records } | { problem: Located } => {
  const whole = { line: 1, path: "", remedy: "Write holdout.csv again with the training project." };
  if (bytes.length > maxHoldoutBytes)
    return { problem: { ...whole, message: `larger than ${maxHoldoutBytes / 1_024 / 1_024} MB` } };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return {
      records: Records.parse(parse(text, { info: true, skip_empty_lines: true, relax_column_count: true })),
    };
  } catch (error) {
    if (!(error instanceof CsvError)) return { problem: { ...whole, message: "is not UTF-8 text" } };
    const line = Number(error.message.match(/line (\d+)/)?.[1] ?? 1);
    return {
      problem: {
        line,
        path: "",
        message: error.message.replace(/ at line .*$/s, ""),
        remedy: "Correct the quoting here.",
      },
    };
  }
};

const headerProblems = (header: readonly string[], manifest: Manifest): Located[] => {
  const truths = truthColumns(manifest);
  const expected = [...manifest.inputs.map(({ name }) => name), ...truths];
  const seen = new Set<string>();
  const problems: Located[] = [];
  for (const name of header) {
    if (seen.has(name))
      problems.push({ line: 1, path: name, message: "two columns have this name", remedy: "Remove one." });
    seen.add(name);
    if (expected.includes(name)) continue;
    const near = nearestName(name, expected);
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

const rowsOf = (records: Records, header: readonly string[], inputs: readonly Input[]): Row[] => {
  const columns = inputs.map((input) => ({ input, at: header.indexOf(input.name) }));
  return records.map(({ record }) =>
    Object.fromEntries(columns.map(({ input, at }) => [input.name, readCell(record[at] ?? "", input)])),
  );
};

const truthProblem = (text: string, manifest: Manifest): Pick<Located, "message" | "remedy"> | undefined => {
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

/**
 * Reads holdout.csv: a header with the manifest's inputs in any order and `label` (for regression: the true value;
 * for one of several values: `label.<name>` of each).
 * Throws ManifestInvalid with the line of each cell that does not fit.
 */
export const parseHoldout = (bytes: Uint8Array, manifest: Manifest, file = "holdout.csv"): Holdout => {
  const check = (problems: readonly Located[]): void => {
    if (problems.length > 0)
      throw new ManifestInvalid(
        problems.slice(0, maxProblems).map((found) => ({ severity: "error", file, ...found })),
      );
  };
  const content = read(bytes);
  if ("problem" in content) check([content.problem]);
  const [first, ...records] = "records" in content ? content.records : [];
  // A byte order mark is what spreadsheets put before the first name.
  const header = (first?.record ?? []).map((name, at) => (at === 0 ? name.replace(/^\uFEFF/, "") : name));
  check(headerProblems(header, manifest));
  if (records.length < 1 || records.length > maxHoldoutRows)
    check([
      {
        line: 1,
        path: "",
        message: `holds ${records.length} rows`,
        remedy: `A holdout has 1 to ${maxHoldoutRows} rows.`,
      },
    ]);
  check(
    records.flatMap(({ record, info }) =>
      record.length === header.length
        ? []
        : [
            {
              line: info.lines,
              path: "",
              message: `${record.length} cells stand under ${header.length} names`,
              remedy: "Write one cell for each column.",
            },
          ],
    ),
  );
  const rows = rowsOf(records, header, manifest.inputs);
  const columns = truthColumns(manifest).map((name) => ({ name, at: header.indexOf(name) }));
  const truths = records.map(({ record }) =>
    columns.map(({ name, at }) => ({ name, text: record[at] ?? "" })),
  );
  check([
    ...rowChecker(manifest)(rows).map(({ row, input, detail }) => ({
      line: records[row ?? 0]?.info.lines ?? 1,
      path: input ?? "",
      message: detail,
      remedy: "Holdout rows are rows that the manifest's inputs allow: correct one of the two.",
    })),
    ...truths.flatMap((cells, row) =>
      cells.flatMap(({ name, text }) => {
        const wrong = truthProblem(text, manifest);
        return wrong ? [{ line: records[row]?.info.lines ?? 1, path: name, ...wrong }] : [];
      }),
    ),
  ]);
  if (manifest.task === "classification")
    return { task: "classification", rows, labels: truths.map(([cell]) => cell?.text ?? "") };
  const names = valueNames(manifest.output);
  const values = truths.map((cells) =>
    Object.fromEntries(names.map((name, at) => [name, Number(cells[at]?.text)])),
  );
  return { task: "regression", rows, values };
};
