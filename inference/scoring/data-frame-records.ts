import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";

/**
 * A row's answer as a record of a data frame: `label` in its own type, `band` where the manifest has bands, and the
 * score of each label; or the values by their names.
 */
export type DataFrameRecord = Readonly<Record<string, string | number>>;

/** The answers as MLflow's Python gives them for the registered model: one record for each row. */
export const toDataFrameRecords = (manifest: Manifest) => {
  const integer = manifest.task === "classification" && manifest.output.labelType === "integer";
  return (predictions: readonly Prediction[]): DataFrameRecord[] =>
    predictions.map(({ label, band, scores }) => {
      if (label === undefined) return scores;
      const first = { label: integer ? Number(label) : label, ...(band === undefined ? {} : { band }) };
      // A label may itself be named `label`: its score gives way.
      return { ...first, ...scores, ...first };
    });
};
