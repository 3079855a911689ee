import type { Prediction } from "#model-folder/manifest/manifest.ts";

/** Counts the predictions per label; a regression has none. */
export const countLabels = (predictions: readonly Prediction[]): ReadonlyMap<string, number> => {
  const labels = new Map<string, number>();
  for (const { label } of predictions)
    if (label !== undefined) labels.set(label, (labels.get(label) ?? 0) + 1);
  return labels;
};
