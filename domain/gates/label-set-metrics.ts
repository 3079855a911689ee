import { type F1Average, f1Gain, f1Interval, type LabelFlags } from "#domain/statistics/f1-interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import type { ScoreMetric } from "./score-metrics.ts";

type F1Options = {
  readonly name: "f1" | "f1Micro" | "f1Macro";
  readonly words: string;
  readonly labels: readonly string[];
  readonly average: F1Average;
  /** The labels of a prediction that apply. */
  readonly read: (prediction: Prediction) => readonly string[];
};

/** @param truth the labels that apply to each row */
export const createF1Metric = (
  truth: readonly (readonly string[])[],
  { name, words, labels, average, read }: F1Options,
): ScoreMetric => {
  const toFlags = (sets: readonly (readonly string[])[]): LabelFlags =>
    sets.map((set) => labels.map((label) => set.includes(label)));
  const expected = toFlags(truth);
  return {
    name,
    words,
    higherIsBetter: true,
    measure: (predictions) => {
      if (truth.length === 0) return "the holdout has no rows";
      if (!expected.some((flags) => flags.includes(true))) return `no holdout row has ${labels.join(" or ")}`;
      return f1Interval(expected, toFlags(predictions.map(read)), average);
    },
    gain: (champion, challenger) =>
      f1Gain(expected, toFlags(champion.map(read)), toFlags(challenger.map(read)), average),
  };
};
