import { aucDifference, aucInterval } from "#domain/statistics/auc-interval.ts";
import { maeGain, maeInterval, rmseGain, rmseInterval } from "#domain/statistics/error-intervals.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import { pairedNewcombeInterval } from "#domain/statistics/paired-newcombe-interval.ts";
import { wilsonInterval } from "#domain/statistics/wilson-interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type Predictions = readonly Prediction[];
/** A string says why there is nothing to measure. */
type Measurement = Interval | string;

/** One way to score a model's answers, and its gain over another's answers to the same rows. */
export type ScoreMetric = {
  readonly name: "accuracy" | "auc" | "mae" | "rmse";
  readonly words: string;
  readonly higherIsBetter: boolean;
  readonly measure: (answers: Predictions) => Measurement;
  /** Above 0 where the challenger is better. */
  readonly gain: (champion: Predictions, challenger: Predictions) => Measurement;
};

export const createAccuracyMetric = (truth: readonly string[]): ScoreMetric => {
  const right = (answers: Predictions) => answers.map(({ label }, row) => label === truth[row]);
  return {
    name: "accuracy",
    words: "accuracy",
    higherIsBetter: true,
    measure: (answers) =>
      truth.length === 0
        ? "the holdout has no rows"
        : wilsonInterval({ count: right(answers).filter(Boolean).length, of: truth.length }),
    gain: (champion, challenger) => {
      const before = right(champion);
      const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
      for (const [row, after] of right(challenger).entries())
        counts[after ? (before[row] ? "both" : "onlyFirst") : before[row] ? "onlySecond" : "neither"]++;
      return pairedNewcombeInterval(counts);
    },
  };
};

export const createAucMetric = (truth: readonly string[], positive: string | undefined): ScoreMetric => {
  const isPositive = truth.map((label) => label === positive);
  const scoresOf = (answers: Predictions): readonly number[] | string => {
    if (positive === undefined) return "the manifest names no positive label";
    if (!isPositive.includes(true) || !isPositive.includes(false))
      return `the holdout needs rows labelled ${positive} and others`;
    const scores = answers.map(({ scores }) => getOwnProperty(scores, positive) ?? Number.NaN);
    const bad = scores.findIndex((score) => !Number.isFinite(score));
    return bad < 0 ? scores : `row ${bad + 1} was answered without a finite score for ${positive}`;
  };
  return {
    name: "auc",
    words: "AUC",
    higherIsBetter: true,
    measure: (answers) => {
      const scores = scoresOf(answers);
      return typeof scores === "string" ? scores : aucInterval(scores, isPositive);
    },
    gain: (champion, challenger) => {
      const before = scoresOf(champion);
      const after = scoresOf(challenger);
      if (typeof before === "string") return before;
      return typeof after === "string" ? after : aucDifference(after, before, isPositive);
    },
  };
};

/** Squares of absurd answers overflow, and what overflows is no measurement. */
const toMeasurement = (interval: Interval): Measurement =>
  Number.isFinite(interval.estimate) ? interval : "its errors are too large";

/** The true values of a row by name: one, or several. */
type TrueValues = Readonly<Record<string, number>>;

const createErrorMetric = (
  truth: readonly TrueValues[],
  ways: {
    readonly name: "mae" | "rmse";
    readonly words: string;
    /** A row's errors as one: such that the score of all rows is that of all their values. */
    readonly together: (errors: readonly number[]) => number;
    readonly interval: (errors: readonly number[]) => Interval;
    readonly gain: (champion: readonly number[], challenger: readonly number[]) => Interval;
  },
): ScoreMetric => {
  const errorsOf = (answers: Predictions): readonly number[] | string => {
    if (truth.length === 0) return "the holdout has no rows";
    const errors = answers.map(({ scores }, row) =>
      ways.together(
        Object.entries(truth[row] ?? {}).map(
          ([name, value]) => (getOwnProperty(scores, name) ?? Number.NaN) - value,
        ),
      ),
    );
    const bad = errors.findIndex((error) => !Number.isFinite(error));
    return bad < 0 ? errors : `row ${bad + 1} was answered without a finite value`;
  };
  return {
    name: ways.name,
    words: ways.words,
    higherIsBetter: false,
    measure: (answers) => {
      const errors = errorsOf(answers);
      return typeof errors === "string" ? errors : toMeasurement(ways.interval(errors));
    },
    gain: (champion, challenger) => {
      const before = errorsOf(champion);
      const after = errorsOf(challenger);
      if (typeof before === "string") return before;
      return typeof after === "string" ? after : toMeasurement(ways.gain(before, after));
    },
  };
};

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const createMaeMetric = (truth: readonly TrueValues[]): ScoreMetric =>
  createErrorMetric(truth, {
    name: "mae",
    words: "the mean absolute error",
    together: (errors) => mean(errors.map(Math.abs)),
    interval: maeInterval,
    gain: maeGain,
  });

export const createRmseMetric = (truth: readonly TrueValues[]): ScoreMetric =>
  createErrorMetric(truth, {
    name: "rmse",
    words: "the root mean squared error",
    together: (errors) => Math.sqrt(mean(errors.map((error) => error * error))),
    interval: rmseInterval,
    gain: rmseGain,
  });
