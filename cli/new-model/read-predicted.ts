import { UsageMistake } from "#cli/errors.ts";
import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { isMissing, isNumber } from "./csv-cells.ts";
import { GivenRow } from "./given-row.ts";
import {
  type GivenPrediction,
  interpretPredicted,
  listPredictedNames,
  type PredictedNames,
} from "./interpret-predicted.ts";
import { type CsvTable, readCsvTable } from "./read-csv-table.ts";

/** `--predicted`: a column of the data, or a file. */
export type PredictedSource = {
  readonly name: string;
  /** The file of this name, if there is one. */
  readonly bytes: Uint8Array | undefined;
};
const labelColumns = /^(label|predicted|prediction|predicted[ _]label|y_pred|pred)$/i;
const scorePrefix = /^(scores?|values?|prob(a|ability)?|p|pred(icted)?)[._: ]+/i;
const maxShown = 20;

const parseScalar = (text: string): string | number => (isNumber(text) ? Number(text) : text);

/** A column without names: labels, or numbers. */
const readColumn = (cells: readonly string[]): GivenRow[] => cells.map(parseScalar);

/** A row of columns that have the names of labels, scores, values or heads. */
const readNamed = (
  known: readonly { readonly column: PredictedColumn; readonly cells: readonly string[] }[],
  row: number,
): GivenRow => {
  const label = known.find(({ column }) => column.kind === "label")?.cells[row];
  const scores = known.flatMap(({ column, cells }) =>
    column.kind === "score" ? [[column.name, Number(cells[row])] as const] : [],
  );
  const heads = known.flatMap(({ column, cells }) =>
    column.kind === "head" ? [[column.name, { label: cells[row] ?? "" }] as const] : [],
  );
  return {
    ...(label === undefined ? {} : { label }),
    ...(scores.length === 0 ? {} : { scores: Object.fromEntries(scores) }),
    ...(heads.length === 0 ? {} : { heads: Object.fromEntries(heads) }),
  };
};

type PredictedColumn = { readonly kind: "label" | "score" | "head"; readonly name: string };

const readColumns = (table: CsvTable, names: PredictedNames, file: string): GivenRow[] => {
  const columns = [...table.columns];
  const { scores, heads, isVector } = names;
  const listRows = (read: (row: number) => GivenRow): GivenRow[] =>
    Array.from({ length: table.rows }, (_, row) => read(row));
  if (isVector) return listRows((row) => columns.map(([, cells]) => parseScalar(cells[row] ?? "")));
  const identify = (column: string): PredictedColumn | undefined => {
    if (heads.includes(column)) return { kind: "head", name: column };
    const name = [column, column.replace(scorePrefix, "")].find((each) => scores.includes(each));
    if (name !== undefined) return { kind: "score", name };
    return labelColumns.test(column) ? { kind: "label", name: column } : undefined;
  };
  const [[first, only] = ["", []], ...others] = columns;
  if (others.length === 0 && identify(first)?.kind !== "score") return readColumn(only);
  const known = columns.map(([name, cells]) => {
    const column = identify(name);
    if (!column)
      throw new UsageMistake(
        `${file} has the column ${name}, which names neither the label nor one of ${[...heads, ...scores].slice(0, maxShown).join(", ")}. Keep only a column label and a column per score or value.`,
      );
    return { column, cells };
  });
  return listRows((row) => readNamed(known, row));
};

const readJson = (bytes: Uint8Array, file: string): GivenRow[] => {
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new UsageMistake(`${file} is not JSON. Write a list with one prediction per row of the data.`);
  }
  const rows = isJsonObject(content) ? content.predictions : content;
  if (!Array.isArray(rows))
    throw new UsageMistake(`${file} is not a list. Write a list with one prediction per row of the data.`);
  return rows.map((row: unknown, at) => {
    const result = GivenRow.safeParse(row);
    if (result.success) return result.data;
    throw new UsageMistake(
      `${file}: row ${at + 1} is no prediction. Write a label, a number, a list of scores in the order of the labels, or an object with label, labels, scores, values, value, heads, entities or tensors.`,
    );
  });
};

const readRows = (
  { name, bytes }: PredictedSource,
  table: CsvTable,
  names: PredictedNames,
): readonly GivenRow[] => {
  const cells = table.columns.get(name);
  if (cells) {
    const gap = cells.findIndex((text) => isMissing(text, true));
    if (gap >= 0) throw new UsageMistake(`${name} has no prediction in row ${gap + 1} of the data.`);
    return readColumn(cells);
  }
  if (!bytes)
    throw new UsageMistake(
      `--predicted ${name} is neither a column of the data nor a file (CSV with a column per score or value, or JSON).`,
    );
  const isJson = /^\s*[[{]/.test(new TextDecoder().decode(bytes.subarray(0, 100)));
  const rows = isJson ? readJson(bytes, name) : readColumns(readCsvTable(bytes, name), names, name);
  if (rows.length < 1 || rows.length > table.rows)
    throw new UsageMistake(
      `${name} has ${rows.length} predictions, but the data has ${table.rows} rows. Write one prediction per row, in the same order.`,
    );
  return rows;
};

/**
 * Reads what another implementation predicted, one prediction per row of the data: a column of labels, of the positive
 * label's score or of values; a CSV with a column `label` and a column per score, value or head; or a JSON list. A shorter
 * file is about the first rows. Throws UsageMistake, and NewModelRefused for a CSV that cannot be read.
 */
export const readPredicted = (
  source: PredictedSource,
  table: CsvTable,
  manifest: Manifest,
): readonly GivenPrediction[] => {
  const names = listPredictedNames(manifest);
  const [textInput = ""] = listTextInputs(manifest);
  const texts = table.columns.get(textInput) ?? [];
  const given = interpretPredicted(readRows(source, table, names), manifest, source.name, texts);
  for (const [at, { scores }] of given.entries())
    for (const [name, score] of Object.entries(scores ?? {})) {
      if (!names.scores.includes(name))
        throw new UsageMistake(
          `${source.name} has a number for ${name} (row ${at + 1}), but the model, taken for a ${manifest.task}, has ${names.scores.slice(0, maxShown).join(", ") || "no scores"}. Correct the names, or say what the model does (--task, --labels).`,
        );
      if (!Number.isFinite(score))
        throw new UsageMistake(`${source.name} has no number for ${name} in row ${at + 1}.`);
    }
  return given;
};
