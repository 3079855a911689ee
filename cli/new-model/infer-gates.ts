import { createScoreMetrics } from "#domain/gates/create-score-metrics.ts";
import type { ScoreMetric } from "#domain/gates/score-metrics.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import type { Gates, Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";

/** A measured score, from which a gate is inferred. */
export type MeasuredScore = {
  readonly name: ScoreMetric["name"];
  readonly words: string;
  readonly higherIsBetter: boolean;
  readonly score: Interval;
};

/** The scores on these rows, with their 95 % intervals; undefined scores are left out. */
export const measureScores = (
  holdout: Holdout,
  manifest: Manifest,
  predictions: readonly Prediction[],
): readonly MeasuredScore[] =>
  createScoreMetrics(manifest, holdout).flatMap(({ name, words, higherIsBetter, measure }) => {
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
