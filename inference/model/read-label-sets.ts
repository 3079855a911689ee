import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { assertFinite } from "./assert-finite.ts";
import { clampShare } from "./clamp-share.ts";

type MultilabelOutput = Extract<Manifest, { task: "multilabel" }>["output"];
/** The score of a label for a row. */
type ReadScore = (row: number, label: number) => number;

const openScores = (data: readonly unknown[], rows: number, labels: number): ReadScore => {
  if (data.length === 1) {
    const all = assertFinite(data[0], rows * labels, rows * labels * 2);
    // [labels, N, 2]: for each label the probabilities of 0 and of 1.
    return all.length === rows * labels
      ? (row, label) => all[row * labels + label] ?? 0
      : (row, label) => all[(label * rows + row) * 2 + 1] ?? 0;
  }
  const columns = data.map((column) => assertFinite(column, rows, rows * 2));
  return (row, label) => {
    const column = columns[label];
    return (column?.length === rows ? column[row] : column?.[row * 2 + 1]) ?? 0;
  };
};

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
const convert = {
  probabilities: clampShare,
  logits: sigmoid,
  decision: (score: number): number => score,
} satisfies Record<MultilabelOutput["scores"], (score: number) => number>;

/**
 * Reads the score of each label, and the labels whose score is above their threshold: scikit-learn's rule, by which a
 * probability of exactly 0.5 does not apply.
 */
export const readLabelSets = ({ labels, scores: kind, threshold, thresholds }: MultilabelOutput) => {
  const limits = labels.map(
    (label) =>
      new Map(Object.entries(thresholds ?? {})).get(label) ?? threshold ?? (kind === "decision" ? 0 : 0.5),
  );
  return (data: readonly unknown[], rows: number): Prediction[] => {
    const read = openScores(data, rows, labels.length);
    return Array.from({ length: rows }, (_, row) => {
      const values = labels.map((_, label) => convert[kind](read(row, label)));
      return {
        labels: labels.filter((_, label) => (values[label] ?? 0) > (limits[label] ?? 0)),
        scores: Object.fromEntries(labels.map((name, label) => [name, values[label] ?? 0])),
      };
    });
  };
};
