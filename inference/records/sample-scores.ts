import { findReportedScore } from "#model-folder/manifest/find-reported-score.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { maxReportedScores } from "#platform/metrics/metrics.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** Enough for a chart; float32 has no more than seven. */
const digits = 6;
const none: readonly number[] = [];

/**
 * Reads the scores that a request reports with its metrics: of at most `maxReportedScores` rows, evenly spaced, so that
 * ten thousand rows cost as little as twenty. Models without a score (findReportedScore) report none.
 */
export const sampleScores = (
  manifest: Manifest,
): ((predictions: Pick<readonly Prediction[], "length" | "at">) => readonly number[]) => {
  const score = findReportedScore(manifest);
  if (!score) return () => none;
  const { name } = score;
  const read = ({ label, scores }: Prediction): number | undefined => {
    const key = name ?? label;
    return key === undefined ? undefined : getOwnProperty(scores, key);
  };
  return (predictions) => {
    const rows = predictions.length;
    const count = Math.min(maxReportedScores, rows);
    const sample: number[] = [];
    for (let index = 0; index < count; index++) {
      const prediction = predictions.at(Math.floor(((index + 0.5) * rows) / count));
      const value = prediction && read(prediction);
      if (value !== undefined) sample.push(Number(value.toPrecision(digits)));
    }
    return sample;
  };
};
