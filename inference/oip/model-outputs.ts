import { listOutputFields, type OutputField } from "#model-folder/manifest/list-output-fields.ts";
import type { Manifest, NestedValues, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { type Datatype, elementDatatypes } from "./datatypes.ts";

/** An output tensor: [rows, ...shape]. */
export type ModelOutput = {
  readonly name: string;
  /** Names of the columns of [rows, labels]. */
  readonly labels?: readonly string[];
  readonly datatype: Datatype;
  /** Of one row; null: any size. */
  readonly shape: readonly (number | null)[];
  /** Returns the tensor's elements, row-major: texts for BYTES, flags for BOOL, else numbers. */
  readonly read: (
    predictions: readonly Prediction[],
  ) => readonly number[] | readonly string[] | readonly boolean[];
  /** The sizes of these rows, where `shape` leaves one open. */
  readonly measure?: (predictions: readonly Prediction[]) => readonly number[];
};

const flattenScores = (
  predictions: readonly Prediction[],
  { labels, read }: OutputField & { kind: "scores" },
): number[] => {
  const values = new Array<number>(predictions.length * labels.length);
  let index = 0;
  for (const prediction of predictions) {
    const scores = read(prediction);
    for (const label of labels) values[index++] = getOwnProperty(scores, label) ?? 0;
  }
  return values;
};

const flatten = (value: NestedValues, into: (number | string | boolean)[]): void => {
  if (typeof value === "object") for (const each of value) flatten(each, into);
  else into.push(value);
};

/** The lengths of nested arrays along their first elements. */
const measureNested = (value: NestedValues | undefined): number[] =>
  typeof value === "object" ? [value.length, ...measureNested(value[0])] : [];

const toModelOutput = (field: OutputField): ModelOutput => {
  const { name } = field;
  switch (field.kind) {
    case "label":
      return field.integers
        ? { name, datatype: "INT64", shape: [], read: (rows) => rows.map((row) => Number(field.read(row))) }
        : { name, datatype: "BYTES", shape: [], read: (rows) => rows.map(field.read) };
    case "band":
      return { name, datatype: "BYTES", shape: [], read: (rows) => rows.map(field.read) };
    case "scores":
      return {
        name,
        datatype: "FP64",
        labels: field.labels,
        shape: [field.labels.length],
        read: (rows) => flattenScores(rows, field),
      };
    case "number":
      return { name, datatype: "FP64", shape: [], read: (rows) => rows.map((row) => field.read(row) ?? 0) };
    case "labels":
      return {
        name,
        datatype: "BOOL",
        shape: [field.labels.length],
        read: (rows) =>
          rows.flatMap((row) => {
            const applying = new Set(field.read(row));
            return field.labels.map((label) => applying.has(label));
          }),
      };
    case "tensor":
      return {
        name,
        datatype: elementDatatypes[field.element],
        shape: field.shape,
        read: (rows) => {
          const values: number[] = [];
          for (const row of rows) flatten(field.read(row), values);
          return values;
        },
        measure: ([row]) => (row ? measureNested(field.read(row)) : []),
      };
    case "entities":
      // The protocol has no records: each row's entities are the text of a JSON array.
      return {
        name,
        datatype: "BYTES",
        shape: [],
        read: (rows) => rows.map((row) => JSON.stringify(field.read(row))),
      };
    default:
      return field satisfies never;
  }
};

/**
 * The output tensors of a model, one per field of its predictions (listOutputFields). Classification: `label`,
 * `probabilities` (`decision` for raw values, nothing for labels without scores) with a column per score in the manifest's
 * order, and `band` if the manifest has bands. Regression: a tensor per value, by its name.
 */
export const modelOutputs = (manifest: Manifest): readonly ModelOutput[] =>
  listOutputFields(manifest).map(toModelOutput);
