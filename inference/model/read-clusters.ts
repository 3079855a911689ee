import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { assertFinite } from "./assert-finite.ts";
import { clampShare } from "./clamp-share.ts";
import { readLabels } from "./read-labels.ts";

type ClusteringOutput = Extract<Manifest, { task: "clustering" }>["output"];

/** Reads the graph's own label, and its distances or probabilities where the manifest names them. */
export const readClusters = ({ labels, distances, probabilities }: ClusteringOutput) => {
  const known = new Set(labels);
  const hasScores = (distances ?? probabilities) !== undefined;
  return (data: readonly unknown[], rows: number): Prediction[] => {
    const clusters = readLabels(data[0], rows, known);
    const scores = hasScores ? assertFinite(data[1], rows * labels.length) : [];
    const read = (row: number, index: number): number => {
      const score = scores[row * labels.length + index] ?? 0;
      return probabilities === undefined ? score : clampShare(score);
    };
    return clusters.map((label, row) => ({
      label,
      scores: hasScores ? Object.fromEntries(labels.map((name, index) => [name, read(row, index)])) : {},
    }));
  };
};
