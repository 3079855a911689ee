import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { assertFinite } from "./assert-finite.ts";
import { readLabels } from "./read-labels.ts";

type AnomalyOutput = Extract<Manifest, { task: "anomaly" }>["output"];

/** Reads the score, and the label from the graph's own output or by the threshold (a score at the threshold is normal). */
export const readAnomalies = ({
  name,
  normal,
  anomaly,
  anomalyIs,
  labelOutput,
  threshold,
}: AnomalyOutput) => {
  const labels = new Set([normal, anomaly]);
  const limit = threshold ?? 0;
  const divide = (score: number): string =>
    (anomalyIs === "low" ? score < limit : score > limit) ? anomaly : normal;
  return (data: readonly unknown[], rows: number): Prediction[] => {
    const scores = assertFinite(data[0], rows);
    const given = labelOutput === undefined ? undefined : readLabels(data[1], rows, labels);
    return Array.from(scores, (value, row) => ({
      label: given?.[row] ?? divide(value),
      value,
      scores: { [name]: value },
    }));
  };
};
