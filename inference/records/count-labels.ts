import type { Prediction } from "#model-folder/manifest/manifest.ts";

/** Counts the predictions per label, of several labels each; a regression has none. */
export const countLabels = (predictions: readonly Prediction[]): ReadonlyMap<string, number> => {
  const labels = new Map<string, number>();
  for (const { label, labels: several } of predictions)
    for (const each of several ?? (label === undefined ? [] : [label]))
      labels.set(each, (labels.get(each) ?? 0) + 1);
  return labels;
};
