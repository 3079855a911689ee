import { aucDifference, aucInterval } from "#domain/statistics/auc-interval.ts";
import { maeGain, maeInterval, rmseGain, rmseInterval } from "#domain/statistics/error-intervals.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import { pairedNewcombeInterval } from "#domain/statistics/paired-newcombe-interval.ts";
import { wilsonInterval } from "#domain/statistics/wilson-interval.ts";
import type { ScoreName } from "#model-folder/manifest/list-measurable-scores.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type Predictions = readonly Prediction[];
/** A string is the reason why the score is not measurable. */
type Measurement = Interval | string;

export type ScoreMetric = {
  readonly name: ScoreName;
  /** As a sentence names it. */
  readonly words: string;
  readonly higherIsBetter: boolean;
  readonly measure: (predictions: Predictions) => Measurement;
  /** Above 0 if the challenger is better, for both directions of the score. */
  readonly gain: (champion: Predictions, challenger: Predictions) => Measurement;
};

export const createAccuracyMetric = (truth: readonly string[]): ScoreMetric => {
  const toCorrect = (predictions: Predictions) => predictions.map(({ label }, row) => label === truth[row]);
  return {
    name: "accuracy",
    words: "accuracy",
    higherIsBetter: true,
    measure: (predictions) =>
      truth.length === 0
        ? "the holdout has no rows"
        : wilsonInterval({ count: toCorrect(predictions).filter(Boolean).length, total: truth.length }),
    gain: (champion, challenger) => {
      const before = toCorrect(champion);
      const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
      for (const [row, after] of toCorrect(challenger).entries())
        counts[after ? (before[row] ? "both" : "onlyFirst") : before[row] ? "onlySecond" : "neither"]++;
      return pairedNewcombeInterval(counts);
    },
  };
};

/** @param read the score that is higher for positive rows; by default that of the positive label */
export const createAucMetric = (
  truth: readonly string[],
  positive: string | undefined,
  read = ({ scores }: Prediction): number | undefined =>
    positive === undefined ? undefined : getOwnProperty(scores, positive),
): ScoreMetric => {
  const isPositive = truth.map((label) => label === positive);
  const listScores = (predictions: Predictions): readonly number[] | string => {
    if (positive === undefined) return "the manifest names no positive label";
    if (!isPositive.includes(true) || !isPositive.includes(false))
      return `the holdout needs rows labelled ${positive} and others`;
    const scores = predictions.map((prediction) => read(prediction) ?? Number.NaN);
    const invalid = scores.findIndex((score) => !Number.isFinite(score));
    return invalid < 0 ? scores : `row ${invalid + 1} has no finite score for ${positive}`;
  };
  return {
    name: "auc",
    words: "AUC",
    higherIsBetter: true,
    measure: (predictions) => {
      const scores = listScores(predictions);
      return typeof scores === "string" ? scores : aucInterval(scores, isPositive);
    },
    gain: (champion, challenger) => {
      const before = listScores(champion);
      const after = listScores(challenger);
      if (typeof before === "string") return before;
      return typeof after === "string" ? after : aucDifference(after, before, isPositive);
    },
  };
};

/** The squares of absurd predictions overflow. */
const toMeasurement = (interval: Interval): Measurement =>
  Number.isFinite(interval.estimate) ? interval : "the errors are too large";

type TrueValues = Readonly<Record<string, number>>;

const createErrorMetric = (
  truth: readonly TrueValues[],
  metric: {
    readonly name: "mae" | "rmse";
    readonly words: string;
    /** One error for a row of several values, so that the score of all rows equals the score of all values. */
    readonly combine: (errors: readonly number[]) => number;
    readonly interval: (errors: readonly number[]) => Interval;
    readonly gain: (champion: readonly number[], challenger: readonly number[]) => Interval;
  },
): ScoreMetric => {
  const listErrors = (predictions: Predictions): readonly number[] | string => {
    if (truth.length === 0) return "the holdout has no rows";
    const errors = predictions.map(({ scores }, row) =>
      metric.combine(
        Object.entries(truth[row] ?? {}).map(
          ([name, value]) => (getOwnProperty(scores, name) ?? Number.NaN) - value,
        ),
      ),
    );
    const invalid = errors.findIndex((error) => !Number.isFinite(error));
    return invalid < 0 ? errors : `row ${invalid + 1} has no finite value`;
  };
  return {
    name: metric.name,
    words: metric.words,
    higherIsBetter: false,
    measure: (predictions) => {
      const errors = listErrors(predictions);
      return typeof errors === "string" ? errors : toMeasurement(metric.interval(errors));
    },
    gain: (champion, challenger) => {
      const before = listErrors(champion);
      const after = listErrors(challenger);
      if (typeof before === "string") return before;
      return typeof after === "string" ? after : toMeasurement(metric.gain(before, after));
    },
  };
};

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const createMaeMetric = (truth: readonly TrueValues[]): ScoreMetric =>
  createErrorMetric(truth, {
    name: "mae",
    words: "mean absolute error",
    combine: (errors) => mean(errors.map(Math.abs)),
    interval: maeInterval,
    gain: maeGain,
  });

export const createRmseMetric = (truth: readonly TrueValues[]): ScoreMetric =>
  createErrorMetric(truth, {
    name: "rmse",
    words: "root mean squared error",
    combine: (errors) => Math.sqrt(mean(errors.map((error) => error * error))),
    interval: rmseInterval,
    gain: rmseGain,
  });
