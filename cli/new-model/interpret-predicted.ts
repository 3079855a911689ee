import * as z from "zod";
import { UsageMistake } from "#cli/errors.ts";
import { listOutputFields } from "#model-folder/manifest/list-output-fields.ts";
import { listScoreNames } from "#model-folder/manifest/list-score-names.ts";
import {
  Entity,
  type Manifest,
  type NestedValues,
  type Prediction,
} from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { isNumber } from "./csv-cells.ts";
import type { GivenRow } from "./given-row.ts";

/** What another implementation predicted for a row: the parts of a prediction that it gave. */
export type GivenPrediction = Omit<Partial<Prediction>, "heads"> & {
  readonly heads?: Readonly<
    Record<string, { readonly label?: string; readonly scores?: Readonly<Record<string, number>> }>
  >;
};

/** The names that columns of predictions can have. */
export type PredictedNames = {
  readonly scores: readonly string[];
  /** Several classifications: a column of each has its label. */
  readonly heads: readonly string[];
  /** Columns are the elements of one vector. */
  readonly isVector: boolean;
};

type Scalar = string | number | boolean;
type Parts = Exclude<GivenRow, Scalar | readonly unknown[]>;
type Interpretation = {
  readonly manifest: Manifest;
  readonly names: readonly string[];
  /** The labels of the field `label`; none: the task has no such field. */
  readonly labels: readonly string[];
  /** Throws UsageMistake. */
  readonly refuse: (row: number, forms: string) => never;
};

const isScalar = (value: unknown): value is Scalar => typeof value !== "object";
const isNumberValue = (value: unknown): value is number => typeof value === "number";
const listHeads = (manifest: Manifest) => (manifest.task === "multioutput" ? manifest.output.heads : []);

export const listPredictedNames = (manifest: Manifest): PredictedNames => ({
  scores: listScoreNames(manifest),
  heads: listHeads(manifest).map(({ name }) => name),
  isVector: manifest.task === "embedding",
});

/** Writes a label as the manifest does: libraries write the same class as 1.0, 1, True or "1". */
const toLabel = (value: Scalar, labels: readonly string[]): string => {
  const text = String(value);
  if (labels.includes(text)) return text;
  const flag = typeof value === "boolean" ? String(Number(value)) : text;
  return (
    labels.find(
      (label) =>
        label.toLowerCase() === text.toLowerCase() ||
        (isNumber(label) && isNumber(flag) && Number(label) === Number(flag)),
    ) ?? text
  );
};

/** One number of a row: a value, an anomaly's score, or the second label's score. */
const readNumber = (value: number, { manifest, names }: Interpretation): GivenPrediction | undefined => {
  const [first, second, ...more] = names;
  if (first === undefined || more.length > 0) return undefined;
  if (manifest.task === "classification") {
    if (second === undefined) return { scores: { [first]: value } };
    const positive = manifest.output.positive ?? second;
    // Keras and exports with one logit give one label's probability alone.
    return { scores: { [positive]: value, [positive === first ? second : first]: 1 - value } };
  }
  // A value whose deviation is not given.
  const isValue = second === undefined || (manifest.task === "regression" && "deviation" in manifest.output);
  return isValue && manifest.task !== "multilabel" && manifest.task !== "clustering"
    ? { scores: { [first]: value } }
    : undefined;
};

const describeForms = ({ manifest, names }: Interpretation): string => {
  const shown = names.slice(0, 20).join(", ");
  switch (manifest.task) {
    case "multilabel":
      return `a list with 0 or 1, or the score, of each of ${shown}; a CSV with these columns; or {"labels": [ … ]}`;
    case "multioutput":
      return `a list with the label of each of ${listHeads(manifest)
        .map(({ name }) => name)
        .join(", ")}; a CSV with these columns; or {"heads": { … }}`;
    case "embedding":
    case "tensors":
      return `the array of each row, as numpy's tolist() gives it, or {"tensors": { … }}`;
    case "entities":
      return 'the list of transformers\' pipeline with aggregation_strategy="simple", or of { "label", "score", "text", "start", "end" }, for each row';
    case "anomaly":
      return `a label (${manifest.output.normal} or ${manifest.output.anomaly}), a score, or both as {"label", "value"}`;
    case "classification":
    case "clustering":
      return "a label, or a list of scores in the order of the labels";
    case "regression":
    case "ranking":
      return `a column per value to --predicted (${shown})`;
    default:
      return manifest satisfies never;
  }
};

/** One number or text per row: labels if all are, otherwise a score or the only value. */
const readScalars = (rows: readonly Scalar[], context: Interpretation): GivenPrediction[] => {
  const { labels, names, refuse } = context;
  const written = rows.map((value) => toLabel(value, labels));
  if (labels.length > 0 && written.every((label) => labels.includes(label)))
    return written.map((label) => ({ label }));
  if (rows.every((value) => typeof value === "number")) {
    const read = rows.map((value) => readNumber(value, context));
    if (read.every((each) => each !== undefined)) return read;
  }
  // Labels that the model does not have: the comparison shows them.
  if (labels.length > 0 && context.manifest.task !== "anomaly") return written.map((label) => ({ label }));
  const foreign = written.findIndex((label) => !isNumber(label));
  return refuse(
    Math.max(0, foreign),
    names.length > 1 && foreign < 0
      ? `a column per value to --predicted (${names.slice(0, 20).join(", ")}): one number per row is not enough`
      : describeForms(context),
  );
};

type Heads = Extract<Manifest, { task: "multioutput" }>["output"]["heads"];
/** The labels of a row of `predict`, or the scores of `predict_proba`, by head. */
const readHeadValues = (row: readonly unknown[], heads: Heads): GivenPrediction | undefined => {
  const parts = heads.map(({ name, labels }, at) => {
    const value = row[at];
    if (isScalar(value) && value !== undefined) return [name, { label: toLabel(value, labels) }] as const;
    return Array.isArray(value) && value.length === labels.length && value.every(isNumberValue)
      ? ([
          name,
          { scores: Object.fromEntries(labels.map((label, index) => [label, value[index] ?? 0])) },
        ] as const)
      : undefined;
  });
  return row.length === heads.length && parts.every((part) => part !== undefined)
    ? { heads: Object.fromEntries(parts) }
    : undefined;
};

const pickFlagged = (labels: readonly string[], flags: readonly unknown[]): string[] =>
  labels.filter((_, at) => Number(flags[at]) === 1);

/** transformers' pipelines name an entity's parts differently, and count its places in characters, not UTF-16 code units. */
const PipelineEntity = z.object({
  entity_group: z.string(),
  score: z.number(),
  start: z.int(),
  end: z.int(),
});
const GivenEntities = z.array(z.union([Entity, PipelineEntity]));

const readEntities = (row: readonly unknown[], text: string): GivenPrediction | undefined => {
  const given = GivenEntities.safeParse(row);
  if (!given.success) return undefined;
  const characters = [...text];
  const toUnits = (count: number) => characters.slice(0, count).join("").length;
  return {
    entities: given.data.map((entity): Entity => {
      if (!("entity_group" in entity)) return entity;
      const [start, end] = [toUnits(entity.start), toUnits(entity.end)];
      return { label: entity.entity_group, score: entity.score, text: text.slice(start, end), start, end };
    }),
  };
};

const isNested = (value: unknown): value is NestedValues =>
  Array.isArray(value) ? value.every(isNested) : isScalar(value) && value !== undefined;

const readArray = (
  row: readonly unknown[],
  context: Interpretation,
  text: string,
): GivenPrediction | undefined => {
  const { manifest, names } = context;
  switch (manifest.task) {
    case "multioutput":
      return readHeadValues(row, manifest.output.heads);
    case "embedding":
    case "tensors": {
      const [field, ...others] = listOutputFields(manifest);
      return field && others.length === 0 && isNested(row) ? { tensors: { [field.name]: row } } : undefined;
    }
    case "entities":
      return readEntities(row, text);
    case "multilabel":
      // No name at all: no label applies.
      if (row.every((value) => typeof value === "string"))
        return { labels: manifest.output.labels.filter((label) => row.includes(label)) };
      break;
    default:
      break;
  }
  if (row.length === 0 || !row.every(isNumberValue)) return undefined;
  const [only = 0] = row;
  if (row.length === 1 && names.length !== 1) {
    // One column is the second label's score, whichever label is positive.
    const [first = "", second = ""] = names;
    if (manifest.task === "classification" && names.length === 2)
      return { scores: { [first]: 1 - only, [second]: only } };
  }
  return row.length === 1 && names.length === 1
    ? readNumber(only, context)
    : { scores: Object.fromEntries(row.map((score, at) => [names[at] ?? `column ${at + 1}`, score])) };
};

const readParts = (
  { label, labels: given, values, scores, heads, ...parts }: Parts,
  { labels, names, manifest }: Interpretation,
): GivenPrediction => {
  const numbers = scores ?? values;
  const known = manifest.task === "multilabel" ? manifest.output.labels : names;
  return {
    ...parts,
    ...(label === undefined ? {} : { label: toLabel(label, labels) }),
    ...(given === undefined
      ? {}
      : { labels: known.filter((name) => given.some((each) => String(each) === name)) }),
    ...(numbers === undefined ? {} : { scores: numbers }),
    ...(heads === undefined
      ? {}
      : {
          heads: Object.fromEntries(
            Object.entries(heads).map(([name, { label, scores }]) => [
              name,
              {
                ...(label === undefined
                  ? {}
                  : {
                      label: toLabel(
                        label,
                        listHeads(manifest).find((head) => head.name === name)?.labels ?? [],
                      ),
                    }),
                ...(scores === undefined ? {} : { scores }),
              },
            ]),
          ),
        }),
  };
};

/** Of several labels, 0 and 1 alone are `predict`, not probabilities. */
const readFlags = (
  given: readonly GivenPrediction[],
  { manifest }: Interpretation,
): readonly GivenPrediction[] => {
  if (manifest.task !== "multilabel") return given;
  const { labels } = manifest.output;
  const areFlags = given.every(
    ({ scores, labels: own }) =>
      own === undefined &&
      scores !== undefined &&
      labels.every((label) => [0, 1].includes(getOwnProperty(scores, label) ?? Number.NaN)),
  );
  return areFlags
    ? given.map(({ scores = {} }) => ({
        labels: pickFlagged(
          labels,
          labels.map((label) => getOwnProperty(scores, label)),
        ),
      }))
    : given;
};

/**
 * Reads rows of any form as parts of this model's predictions. Throws UsageMistake for a form that its task has not.
 * @param texts the rows' texts, for places in them
 */
export const interpretPredicted = (
  rows: readonly GivenRow[],
  manifest: Manifest,
  file: string,
  texts: readonly string[] = [],
): readonly GivenPrediction[] => {
  const label = listOutputFields(manifest).find(
    (field) => field.kind === "label" && field.name === "label" && manifest.task !== "multioutput",
  );
  const context: Interpretation = {
    manifest,
    names: listScoreNames(manifest),
    labels: label?.kind === "label" ? label.labels : [],
    refuse: (row, forms) => {
      throw new UsageMistake(
        `${file}: row ${row + 1} is no prediction of a model of the task ${manifest.task}. Give ${forms}.`,
      );
    },
  };
  if (rows.every(isScalar)) return readScalars(rows, context);
  return readFlags(
    rows.map((row, at): GivenPrediction => {
      if (isScalar(row)) return readScalars([row], context)[0] ?? {};
      const read = Array.isArray(row) ? readArray(row, context, texts[at] ?? "") : readParts(row, context);
      return read ?? context.refuse(at, describeForms(context));
    }),
    context,
  );
};
