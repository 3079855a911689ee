import { listPredictionLabels } from "#model-folder/manifest/list-prediction-labels.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";

/** Counts the predictions per label, of several labels each; a regression has none. */
export const countLabels = (predictions: readonly Prediction[]): ReadonlyMap<string, number> => {
  const labels = new Map<string, number>();
  for (const prediction of predictions)
    for (const label of listPredictionLabels(prediction)) labels.set(label, (labels.get(label) ?? 0) + 1);
  return labels;
};
