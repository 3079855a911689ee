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

/** A measured score, from which a gate is inferred. */
export type MeasuredScore = {
  readonly name: ScoreMetric["name"];
  readonly words: string;
  readonly higherIsBetter: boolean;
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

/** The scores on these rows, with their 95 % intervals; undefined scores are left out. */
export const measureScores = (
  holdout: Holdout,
  manifest: Manifest,
  predictions: readonly Prediction[],
): readonly MeasuredScore[] =>
  selectScorings(holdout, manifest).flatMap(({ name, words, higherIsBetter, measure }) => {
    const score = measure(predictions);
    return typeof score === "string" ? [] : [{ name, words, higherIsBetter, score }];
  });

/** Rounds up to two digits. */
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
 * Gates that this model passes: the worse end of each score's interval, rounded outward. The latency limit is wide,
 * because on stage the service adds time, and the machine is colder.
 */
export const inferGates = (measured: readonly MeasuredScore[], milliseconds: readonly number[]): Gates => ({
  ...Object.fromEntries(
    measured.map(({ name, higherIsBetter, score }) =>
      higherIsBetter
        ? [name, { min: Math.min(0.99, Math.floor(score.low * 100) / 100), notWorseThanChampionBy: 0.02 }]
        : [name, { max: roundUp(score.high), notWorseThanChampionBy: roundUp(score.estimate / 20) }],
    ),
  ),
  latencyP95Ms: Math.min(1_000, Math.max(50, roundUp(p95(milliseconds) * 10))),
  imageSizeMb: 500,
  vulnerabilities: { critical: 0, high: 5 },
});

/** The score of a constant prediction: the most frequent label, or the median. */
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
    const median = values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
    return values.map((value) => Math.abs(value - median));
  });
  return { name: "mae", score: deviations.reduce((sum, each) => sum + each, 0) / deviations.length };
};
