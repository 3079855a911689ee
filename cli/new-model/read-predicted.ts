import * as z from "zod";
import { UsageMistake } from "#cli/errors.ts";
import { type Manifest, type NestedValues, Prediction } from "#model-folder/manifest/manifest.ts";
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
const Nested: z.ZodType<NestedValues> = z.lazy(() =>
  z.union([z.number(), z.boolean(), z.string(), z.array(Nested)]),
);
/** A row of a JSON file: a label, a number, scores in the order of the labels, a vector or tensor, or a prediction's parts. */
const GivenRow = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.number()).min(1),
  z.array(Nested).min(1),
  Prediction.partial()
    .extend({ label: z.union([z.string(), z.number(), z.boolean()]).optional(), values: Numbers.optional() })
    .strict(),
]);
type GivenRow = z.infer<typeof GivenRow>;

const labelColumns = /^(label|predicted|prediction|predicted[ _]label|y_pred|pred)$/i;
const scorePrefix = /^(scores?|values?|prob(a|ability)?|p|pred(icted)?)[._: ]+/i;
const maxShown = 20;

/** What a prediction of this model has. */
type Parts = {
  /** The names of its numbers: labels, or values. */
  readonly names: readonly string[];
  /** All labels that it can have. */
  readonly labels: readonly string[];
  readonly tensors: readonly string[];
};

const listParts = (manifest: Manifest, sample: Prediction | undefined): Parts => {
  const tensors = Object.keys(sample?.tensors ?? {});
  if ("labels" in manifest.output)
    return { names: manifest.output.labels, labels: manifest.output.labels, tensors };
  const labels = manifest.task === "anomaly" ? [manifest.output.normal, manifest.output.anomaly] : [];
  return { names: Object.keys(sample?.scores ?? {}), labels, tensors };
};

const listShort = (names: readonly string[]): string => names.slice(0, maxShown).join(", ");

/** Words for what a row of the file must have. */
const describeRow = ({ names, labels, tensors }: Parts): string => {
  const [vector, ...others] = tensors;
  if (vector !== undefined)
    return others.length > 0
      ? `Write an object for each row: {"tensors": {"${tensors.join('": …, "')}": …}}.`
      : "Write the vector or tensor of each row, as numpy's tolist() gives it.";
  if (names.length === 0)
    return "Write an object with the parts of a prediction, as a response of /v1/predict has them.";
  return labels.length > 1
    ? "Write a label, a number, a list of scores in the order of the labels, or an object with label, scores, values or value."
    : "Write a number, a list of values in the model's order, or an object with values or value.";
};

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

const readJson = (bytes: Uint8Array, file: string, parts: Parts): GivenRow[] => {
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
    throw new UsageMistake(`${file}: row ${at + 1} is no prediction. ${describeRow(parts)}`);
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
  parts: Parts,
): GivenPrediction[] => {
  const { names } = parts;
  if (!("labels" in manifest.output)) {
    // An anomaly's column has its labels, 1 and −1, or its score.
    const texts = rows.map((value) => toLabel(value, parts.labels));
    if (texts.every((text) => parts.labels.includes(text))) return texts.map((label) => ({ label }));
    const [name, ...others] = names;
    if (name === undefined)
      throw new UsageMistake(
        `One number or text per row is not a prediction of this model. ${describeRow(parts)}`,
      );
    if (others.length > 0)
      throw new UsageMistake(
        `One prediction per row is not enough for ${listShort(names)}. Give a file with a column per value to --predicted.`,
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

const readRow = (
  row: Exclude<GivenRow, string | number | boolean>,
  { names, labels, tensors }: Parts,
  place: string,
): GivenPrediction => {
  if (Array.isArray(row)) {
    const [tensor, ...otherTensors] = tensors;
    if (tensor !== undefined && otherTensors.length === 0) return { tensors: { [tensor]: row } };
    const numbers = row.flatMap((each) => (typeof each === "number" ? [each] : []));
    if (numbers.length < row.length)
      throw new UsageMistake(
        labels.length > 1 && names === labels
          ? `${place} is a list of lists. Write one list per row of the data; of a list of predict_proba's arrays, one for each label: numpy.column_stack([p[:, 1] for p in proba]).tolist().`
          : `${place} is a list of other lists or texts. ${describeRow({ names, labels, tensors })}`,
      );
    const [only = 0, ...more] = numbers;
    const [first = "", second = "", ...others] = names;
    // Keras and one-logit exports give the second label's score alone.
    if (more.length === 0 && second !== "" && others.length === 0)
      return { scores: { [first]: 1 - only, [second]: only } };
    return {
      scores: Object.fromEntries(numbers.map((score, at) => [names[at] ?? `column ${at + 1}`, score])),
    };
  }
  const { label, values, scores, ...others } = row;
  const numbers = scores ?? values;
  return {
    ...others,
    ...(label === undefined ? {} : { label: toLabel(label, labels) }),
    ...(numbers === undefined ? {} : { scores: numbers }),
  };
};

const isScalar = (row: GivenRow): row is string | number | boolean => typeof row !== "object";

const readRows = ({ name, bytes }: PredictedSource, table: CsvTable, parts: Parts): readonly GivenRow[] => {
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
  const rows = isJson
    ? readJson(bytes, name, parts)
    : readColumns(readCsvTable(bytes, name), parts.names, name);
  if (rows.length < 1 || rows.length > table.rows)
    throw new UsageMistake(
      `${name} has ${rows.length} predictions, but the data has ${table.rows} rows. Write one prediction per row, in the same order.`,
    );
  return rows;
};

/**
 * Reads what another implementation predicted, one prediction per row of the data: a column of labels, of the positive
 * label's score or of values; a CSV with a column `label` and a column per score or value; or a JSON list, whose rows are
 * vectors or tensors for a model of these. A shorter file is about the first rows. Throws
 * UsageMistake, and NewModelRefused for a CSV that cannot be read.
 * @param sample one of the runtime's predictions, which names the values
 */
export const readPredicted = (
  source: PredictedSource,
  table: CsvTable,
  manifest: Manifest,
  sample: Prediction | undefined,
): readonly GivenPrediction[] => {
  const parts = listParts(manifest, sample);
  const { names } = parts;
  const rows = readRows(source, table, parts);
  const given = rows.every(isScalar)
    ? readScalars(rows, manifest, parts)
    : rows.map((row, at) =>
        isScalar(row)
          ? { label: toLabel(row, parts.labels) }
          : readRow(row, parts, `${source.name}: row ${at + 1}`),
      );
  for (const [at, { scores }] of given.entries())
    for (const [name, score] of Object.entries(scores ?? {})) {
      if (!names.includes(name))
        throw new UsageMistake(
          `${source.name} has a number for ${name} (row ${at + 1}), but the model (task: ${manifest.task}) has ${names.length === 0 ? "no numbers with names" : listShort(names)}. ${describeRow(parts)} Where the task is wrong: --task, --labels.`,
        );
      if (!Number.isFinite(score))
        throw new UsageMistake(`${source.name} has no number for ${name} in row ${at + 1}.`);
    }
  return given;
};
