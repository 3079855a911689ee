import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";

/**
 * A prediction as a data frame record: `label` in its type, `band` if the manifest has bands, and the score of each
 * label; or the values by name.
 */
export type DataFrameRecord = Readonly<Record<string, string | number>>;

/** Converts predictions to one record per row, equal to those of the model that is registered in MLflow. */
export const toDataFrameRecords = (manifest: Manifest) => {
  const hasIntegerLabels = manifest.task === "classification" && manifest.output.labelType === "integer";
  return (predictions: readonly Prediction[]): DataFrameRecord[] =>
    predictions.map(({ label, band, scores }) => {
      if (label === undefined) return scores;
      const fields = {
        label: hasIntegerLabels ? Number(label) : label,
        ...(band === undefined ? {} : { band }),
      };
      // If a label is named `label`, its score is dropped.
      return { ...fields, ...scores, ...fields };
    });
};
