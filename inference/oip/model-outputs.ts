import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { scoreNames } from "#model-folder/manifest/score-names.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** An output tensor: [rows], or [rows, labels] if it has labels. */
export type ModelOutput = {
  readonly name: string;
  /** Names of the columns. */
  readonly labels?: readonly string[];
  readonly datatype: "FP64" | "INT64" | "BYTES";
  /** Returns the tensor's elements, row-major: texts for BYTES, else numbers. */
  readonly read: (predictions: readonly Prediction[]) => readonly number[] | readonly string[];
};

const flattenScores = (predictions: readonly Prediction[], labels: readonly string[]): number[] => {
  const values = new Array<number>(predictions.length * labels.length);
  let index = 0;
  for (const { scores } of predictions)
    for (const label of labels) values[index++] = getOwnProperty(scores, label) ?? 0;
  return values;
};

const toValueOutput = (name: string): ModelOutput => ({
  name,
  datatype: "FP64",
  read: (predictions) => predictions.map(({ scores }) => getOwnProperty(scores, name) ?? 0),
});

/**
 * The output tensors of a model. Classification: `label`, `probabilities` (`decision` for raw values, nothing for labels
 * without scores) with a column per score in the manifest's order, and `band` if the manifest has bands. Regression: a
 * tensor per value, by its name.
 */
export const modelOutputs = (manifest: Manifest): readonly ModelOutput[] => {
  if (manifest.task === "regression") return valueNames(manifest.output).map(toValueOutput);
  const { scores, labelType, bands } = manifest.output;
  const labels = scoreNames(manifest);
  const label: ModelOutput =
    labelType === "integer"
      ? { name: "label", datatype: "INT64", read: (rows) => rows.map(({ label }) => Number(label)) }
      : { name: "label", datatype: "BYTES", read: (rows) => rows.map(({ label }) => label ?? "") };
  if (scores === "none") return [label];
  const scoreColumns: ModelOutput = {
    name: scores === "decision" ? "decision" : "probabilities",
    datatype: "FP64",
    labels,
    read: (rows) => flattenScores(rows, labels),
  };
  const band: ModelOutput = {
    name: "band",
    datatype: "BYTES",
    read: (rows) => rows.map(({ band }) => band ?? ""),
  };
  return bands ? [label, scoreColumns, band] : [label, scoreColumns];
};
