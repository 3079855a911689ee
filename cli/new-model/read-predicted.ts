import * as z from "zod";
import { UsageMistake } from "#cli/errors.ts";
import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import { Entity, type Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { isMissing, isNumber } from "./csv-cells.ts";
import { type CsvTable, readCsvTable } from "./read-csv-table.ts";

/** `--predicted`: a column of the data, or a file. */
export type PredictedSource = {
  readonly name: string;
  /** The file of this name, if there is one. */
  readonly bytes: Uint8Array | undefined;
};
/** What another implementation predicted for a row: the parts of a prediction that it gave. */
export type GivenPrediction = Partial<Prediction>;

const Numbers = z.record(z.string(), z.number());
/** An entity as transformers' pipeline writes it: its places count characters, not UTF-16 code units. */
const PipelineEntity = z.object({
  entity_group: z.string(),
  score: z.number(),
  start: z.int(),
  end: z.int(),
});
/** A row of a JSON file: a label, a number, scores in the order of the labels or a vector, entities, or a prediction's parts. */
const GivenRow = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.number()).min(1),
  z.array(z.union([Entity, PipelineEntity])),
  Prediction.partial()
    .extend({ label: z.union([z.string(), z.number(), z.boolean()]).optional(), values: Numbers.optional() })
    .strict(),
]);
type GivenRow = z.infer<typeof GivenRow>;

const labelColumns = /^(label|predicted|prediction|predicted[ _]label|y_pred|pred)$/i;
const scorePrefix = /^(scores?|values?|prob(a|ability)?|p|pred(icted)?)[._: ]+/i;
const maxShown = 20;

const listNames = (manifest: Manifest, sample: Prediction | undefined): readonly string[] =>
  "labels" in manifest.output ? manifest.output.labels : Object.keys(sample?.scores ?? {});

const parseScalar = (text: string): string | number => (isNumber(text) ? Number(text) : text);

/** A column without names: labels, or numbers. */
const readColumn = (cells: readonly string[]): GivenRow[] => cells.map(parseScalar);

const readColumns = (table: CsvTable, names: readonly string[], file: string): GivenRow[] => {
  const columns = [...table.columns];
  const [[, only] = ["", []], ...others] = columns;
  if (others.length === 0 && !names.includes(columns[0]?.[0] ?? "")) return readColumn(only);
  const isPlain = (name: string) => names.includes(name);
  const known = columns.map(([column, cells]) => {
    const short = column.replace(scorePrefix, "");
    const name = isPlain(column) ? column : isPlain(short) ? short : undefined;
    if (name === undefined && !labelColumns.test(column))
      throw new UsageMistake(
        `${file} has the column ${column}, which names neither the label nor one of ${names.slice(0, maxShown).join(", ")}. Keep only a column label and a column per score or value.`,
      );
    return { name, cells };
  });
  return Array.from({ length: table.rows }, (_, row): GivenRow => {
    const label = known.find(({ name }) => name === undefined)?.cells[row];
    const scores = known.flatMap(({ name, cells }) =>
      name === undefined ? [] : [[name, Number(cells[row])] as const],
    );
    return {
      ...(label === undefined ? {} : { label }),
      ...(scores.length === 0 ? {} : { scores: Object.fromEntries(scores) }),
    };
  });
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
      `${file}: row ${at + 1} is no prediction. Write a label, a number, a list of scores in the order of the labels, or an object with label, scores, values or value; for entities the list of transformers' pipeline with aggregation_strategy="simple", for an embedding the list of its numbers.`,
    );
  });
};

/** Writes a label as the manifest does: libraries write the same class as 1.0, 1 or "1". */
const toLabel = (value: string | number | boolean, labels: readonly string[]): string => {
  const text = String(value);
  if (labels.includes(text)) return text;
  const same = labels.find(
    (label) =>
      label.toLowerCase() === text.toLowerCase() ||
      (isNumber(label) && isNumber(text) && Number(label) === Number(text)),
  );
  return same ?? text;
};

/** Interprets one number or text per row: labels if all are, otherwise the positive label's score, or the only value. */
const readScalars = (
  rows: readonly (string | number | boolean)[],
  manifest: Manifest,
  names: readonly string[],
): GivenPrediction[] => {
  if (!("labels" in manifest.output)) {
    const [name, ...others] = names;
    if (name === undefined || others.length > 0)
      throw new UsageMistake(
        `One prediction per row is not enough for ${names.slice(0, maxShown).join(", ")}. Give a file with a column per value to --predicted.`,
      );
    return rows.map((value) => ({ scores: { [name]: Number(value) } }));
  }
  const labels = rows.map((value) => toLabel(value, names));
  if (labels.every((label) => names.includes(label))) return labels.map((label) => ({ label }));
  const [first = "", second = "", ...more] = names;
  if (more.length > 0 || !rows.every((value) => typeof value === "number"))
    return labels.map((label) => ({ label }));
  const positive = ("positive" in manifest.output ? manifest.output.positive : undefined) ?? second;
  const negative = positive === first ? second : first;
  return rows.map((value) => ({ scores: { [positive]: Number(value), [negative]: 1 - Number(value) } }));
};

type ListedEntities = readonly (Entity | z.infer<typeof PipelineEntity>)[];
const isEntities = (row: object): row is ListedEntities =>
  Array.isArray(row) && row.every((each) => typeof each === "object");

/** A pipeline's entities with places in UTF-16 code units. */
const readEntityList = (row: ListedEntities, text: string): GivenPrediction => {
  const characters = [...text];
  const toUnits = (count: number) => characters.slice(0, count).join("").length;
  return {
    entities: row.map((entity): Entity => {
      if (!("entity_group" in entity)) return entity;
      const [start, end] = [toUnits(entity.start), toUnits(entity.end)];
      return { label: entity.entity_group, score: entity.score, text: text.slice(start, end), start, end };
    }),
  };
};

const readRow = (
  row: Exclude<GivenRow, string | number | boolean>,
  names: readonly string[],
  manifest: Manifest,
  text: string,
): GivenPrediction => {
  if (isEntities(row)) {
    if (manifest.task !== "entities")
      throw new UsageMistake(
        `--predicted has a list of entities or an empty list, but the model is taken for a ${manifest.task}. Write its predictions, or say what the model does (--task).`,
      );
    return readEntityList(row, text);
  }
  if (Array.isArray(row) && manifest.task === "embedding")
    return { tensors: { [manifest.output.name]: row } };
  if (Array.isArray(row)) {
    const [only = 0, ...more] = row;
    const [first = "", second = "", ...others] = names;
    // Keras and one-logit exports give the second label's score alone.
    if (more.length === 0 && second !== "" && others.length === 0)
      return { scores: { [first]: 1 - only, [second]: only } };
    return { scores: Object.fromEntries(row.map((score, at) => [names[at] ?? `column ${at + 1}`, score])) };
  }
  const { label, values, scores, ...parts } = row;
  const numbers = scores ?? values;
  return {
    ...parts,
    ...(label === undefined ? {} : { label: toLabel(label, names) }),
    ...(numbers === undefined ? {} : { scores: numbers }),
  };
};

const isScalar = (row: GivenRow): row is string | number | boolean => typeof row !== "object";

const readRows = (
  { name, bytes }: PredictedSource,
  table: CsvTable,
  names: readonly string[],
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
 * label's score or of values; a CSV with a column `label` and a column per score or value; or a JSON list. A shorter file is
 * about the first rows. Throws
 * UsageMistake, and NewModelRefused for a CSV that cannot be read.
 * @param sample one of the runtime's predictions, which names the values
 */
export const readPredicted = (
  source: PredictedSource,
  table: CsvTable,
  manifest: Manifest,
  sample: Prediction | undefined,
): readonly GivenPrediction[] => {
  const names = listNames(manifest, sample);
  const rows = readRows(source, table, names);
  const [textInput = ""] = listTextInputs(manifest);
  const texts = table.columns.get(textInput) ?? [];
  const given = rows.every(isScalar)
    ? readScalars(rows, manifest, names)
    : rows.map((row, at) =>
        isScalar(row) ? { label: toLabel(row, names) } : readRow(row, names, manifest, texts[at] ?? ""),
      );
  for (const [at, { scores }] of given.entries())
    for (const [name, score] of Object.entries(scores ?? {})) {
      if (!names.includes(name))
        throw new UsageMistake(
          `${source.name} has a number for ${name} (row ${at + 1}), but the model, taken for a ${manifest.task}, has ${names.slice(0, maxShown).join(", ")}. Correct the names, or say what the model does (--task, --labels).`,
        );
      if (!Number.isFinite(score))
        throw new UsageMistake(`${source.name} has no number for ${name} in row ${at + 1}.`);
    }
  return given;
};
