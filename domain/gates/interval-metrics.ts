import { meanInterval } from "#domain/statistics/mean-interval.ts";
import { normalQuantile } from "#domain/statistics/normal-quantile.ts";
import { pairedNewcombeInterval } from "#domain/statistics/paired-newcombe-interval.ts";
import { pinballLoss } from "#domain/statistics/pinball-loss.ts";
import { wilsonInterval } from "#domain/statistics/wilson-interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { ScoreMetric } from "./score-metrics.ts";

/** A predicted interval; a string says why a prediction has none. */
type ReadBounds = (prediction: Prediction) => readonly [low: number, high: number];

const readFinite = (prediction: Prediction, name: string): number =>
  getOwnProperty(prediction.scores, name) ?? Number.NaN;

/** The lowest to the highest quantile. */
export const readQuantileBounds =
  (names: readonly string[]): ReadBounds =>
  (prediction) => {
    const values = names.map((name) => readFinite(prediction, name));
    return [values[0] ?? Number.NaN, values.at(-1) ?? Number.NaN];
  };

/** The central 95 % of a normal distribution. */
export const readNormalBounds =
  (name: string, deviation: string): ReadBounds =>
  (prediction) => {
    const reach = normalQuantile(0.975) * readFinite(prediction, deviation);
    return [readFinite(prediction, name) - reach, readFinite(prediction, name) + reach];
  };

/** The share of true values within the predicted interval: Wilson's interval, and Newcombe's for the paired difference. */
export const createCoverageMetric = (truth: readonly number[], read: ReadBounds): ScoreMetric => {
  const listCovered = (predictions: readonly Prediction[]): readonly boolean[] | string => {
    if (truth.length === 0) return "the holdout has no rows";
    const bounds = predictions.map(read);
    const invalid = bounds.findIndex((ends) => !ends.every(Number.isFinite));
    return invalid < 0
      ? bounds.map(([low, high], row) => low <= (truth[row] ?? 0) && (truth[row] ?? 0) <= high)
      : `row ${invalid + 1} has no finite interval`;
  };
  return {
    name: "coverage",
    words: "coverage",
    higherIsBetter: true,
    measure: (predictions) => {
      const covered = listCovered(predictions);
      return typeof covered === "string"
        ? covered
        : wilsonInterval({ count: covered.filter(Boolean).length, total: covered.length });
    },
    gain: (champion, challenger) => {
      const before = listCovered(champion);
      const after = listCovered(challenger);
      if (typeof before === "string") return before;
      if (typeof after === "string") return after;
      const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
      for (const [row, covers] of after.entries())
        counts[covers ? (before[row] ? "both" : "onlyFirst") : before[row] ? "onlySecond" : "neither"]++;
      return pairedNewcombeInterval(counts);
    },
  };
};

/**
 * The mean pinball loss over rows and quantiles, by Student's t over rows; the difference by the same on the paired losses.
 * @param quantiles name and level (0 to 1) of each predicted quantile
 */
export const createPinballMetric = (
  truth: readonly number[],
  quantiles: readonly { readonly name: string; readonly level: number }[],
): ScoreMetric => {
  const listLosses = (predictions: readonly Prediction[]): readonly number[] | string => {
    if (truth.length === 0) return "the holdout has no rows";
    const losses = predictions.map(
      (prediction, row) =>
        quantiles.reduce(
          (sum, { name, level }) => sum + pinballLoss(truth[row] ?? 0, readFinite(prediction, name), level),
          0,
        ) / quantiles.length,
    );
    const invalid = losses.findIndex((loss) => !Number.isFinite(loss));
    return invalid < 0 ? losses : `row ${invalid + 1} has no finite quantiles`;
  };
  return {
    name: "pinball",
    words: "mean pinball loss",
    higherIsBetter: false,
    measure: (predictions) => {
      const losses = listLosses(predictions);
      if (typeof losses === "string") return losses;
      const { estimate, low, high } = meanInterval(losses);
      return { estimate, low: Math.max(0, low), high };
    },
    gain: (champion, challenger) => {
      const before = listLosses(champion);
      const after = listLosses(challenger);
      if (typeof before === "string") return before;
      return typeof after === "string"
        ? after
        : meanInterval(before.map((loss, row) => loss - (after[row] ?? 0)));
    },
  };
};
