import { meanInterval } from "#domain/statistics/mean-interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { ScoreMetric } from "./score-metrics.ts";

/**
 * The mean accuracy of several classifications: for each row the share of heads with the true label, by Student's t over
 * rows, because the heads of a row depend on each other; the difference by the same on the paired rows.
 * @param truth the true label of each row by the head's name
 */
export const createHeadsMetric = (truth: readonly Readonly<Record<string, string>>[]): ScoreMetric => {
  const names = Object.keys(truth[0] ?? {});
  const listShares = (predictions: readonly Prediction[]): readonly number[] =>
    predictions.map(({ heads = {} }, row) => {
      const labels = truth[row] ?? {};
      const correct = names.filter(
        (name) => getOwnProperty(heads, name)?.label === getOwnProperty(labels, name),
      );
      return correct.length / names.length;
    });
  return {
    name: "accuracy",
    words: `mean accuracy of ${names.slice(0, 10).join(", ")}`,
    higherIsBetter: true,
    measure: (predictions) => {
      if (truth.length === 0) return "the holdout has no rows";
      const { estimate, low, high } = meanInterval(listShares(predictions));
      return { estimate, low: Math.max(0, low), high: Math.min(1, high) };
    },
    gain: (champion, challenger) => {
      const before = listShares(champion);
      return meanInterval(listShares(challenger).map((share, row) => share - (before[row] ?? 0)));
    },
  };
};
