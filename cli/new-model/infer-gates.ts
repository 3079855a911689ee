import {
  createAccuracyMetric,
  createAucMetric,
  createMaeMetric,
  createRmseMetric,
  type ScoreMetric,
} from "#domain/gates/score-metrics.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import type { Gates, Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import type { Holdout } from "#model-folder/rows/parse-holdout.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** A score that was measured, and the gate that is made of it. */
export type MeasuredScore = {
  readonly name: ScoreMetric["name"];
  readonly words: string;
  readonly score: Interval;
};

const selectScorings = (holdout: Holdout, manifest: Manifest): readonly ScoreMetric[] =>
  holdout.task === "regression"
    ? [createMaeMetric(holdout.values), createRmseMetric(holdout.values)]
    : [
        createAccuracyMetric(holdout.labels),
        ...(manifest.task === "classification" && manifest.output.positive !== undefined
          ? [createAucMetric(holdout.labels, manifest.output.positive)]
          : []),
      ];

/** The scores that can be measured on these rows, with their 95 % intervals. */
export const measureScores = (
  holdout: Holdout,
  manifest: Manifest,
  answers: readonly Prediction[],
): readonly MeasuredScore[] =>
  selectScorings(holdout, manifest).flatMap(({ name, words, measure }) => {
    const score = measure(answers);
    return typeof score === "string" ? [] : [{ name, words, score }];
  });

/** Upward to two digits. */
const roundUp = (value: number): number => {
  if (value <= 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / step) * step).toPrecision(12));
};

/** p95 of some runs, milliseconds. */
const p95 = (milliseconds: readonly number[]): number => {
  const ordered = milliseconds.toSorted((one, other) => one - other);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * 0.95))] ?? 0;
};

/**
 * Gates that the model passes as it is: scores at the far end of their interval, rounded outward. On stage an answer
 * also takes the service's own time and a colder machine's, so its time has a wide margin.
 */
export const inferGates = (measured: readonly MeasuredScore[], milliseconds: readonly number[]): Gates => ({
  ...Object.fromEntries(
    measured.map(({ name, score }) =>
      name === "accuracy" || name === "auc"
        ? [name, { min: Math.min(0.99, Math.floor(score.low * 100) / 100), notWorseThanChampionBy: 0.02 }]
        : [name, { max: roundUp(score.high), notWorseThanChampionBy: roundUp(score.estimate / 20) }],
    ),
  ),
  latencyP95Ms: Math.min(1_000, Math.max(50, roundUp(p95(milliseconds) * 10))),
  imageSizeMb: 500,
  vulnerabilities: { critical: 0, high: 5 },
});

/** The score of a model that answers every row alike: the commonest label, or the middle value. */
export const measureBaseline = (
  holdout: Holdout,
): { readonly name: "accuracy" | "mae"; readonly score: number } => {
  if (holdout.task === "classification") {
    const counts = Map.groupBy(holdout.labels, (label) => label);
    return {
      name: "accuracy",
      score: Math.max(...[...counts.values()].map(({ length }) => length)) / holdout.labels.length,
    };
  }
  const names = Object.keys(holdout.values[0] ?? {});
  const deviations = names.flatMap((name) => {
    const values = holdout.values.map((row) => getOwnProperty(row, name) ?? 0);
    const middle = values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
    return values.map((value) => Math.abs(value - middle));
  });
  return { name: "mae", score: deviations.reduce((sum, each) => sum + each, 0) / deviations.length };
};
