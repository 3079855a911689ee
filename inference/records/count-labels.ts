import type { Prediction } from "#model-folder/manifest/manifest.ts";

/** How many rows were answered with each label; values of a regression have none. */
export const countLabels = (predictions: readonly Prediction[]): ReadonlyMap<string, number> => {
  const labels = new Map<string, number>();
  for (const { label } of predictions)
    if (label !== undefined) labels.set(label, (labels.get(label) ?? 0) + 1);
  return labels;
};
