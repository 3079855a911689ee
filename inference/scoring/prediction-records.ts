import type { Manifest, Prediction } from "../manifest.ts";

/** A row's answer as a record of a data frame: `label` in its own type and the score of each label, or the values. */
export type PredictionRecord = Readonly<Record<string, string | number>>;

/** The answers as MLflow's Python gives them for the registered model: one record for each row. */
export const predictionRecords = (manifest: Manifest) => {
  const integer = manifest.task === "classification" && manifest.output.labelType === "integer";
  return (predictions: readonly Prediction[]): PredictionRecord[] =>
    predictions.map(({ label, scores }) =>
      label === undefined ? scores : { label: integer ? Number(label) : label, ...scores },
    );
};
