import type { Prediction } from "./manifest.ts";

/** The labels of a prediction: its label, its labels, or each label of its entities once; none for a value. */
export const listPredictionLabels = ({ label, labels, entities }: Prediction): readonly string[] =>
  labels ??
  (entities ? [...new Set(entities.map((entity) => entity.label))] : label === undefined ? [] : [label]);
