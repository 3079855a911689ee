import { defaultConfidence, type Interval } from "./interval.ts";
import { moments } from "./mean-interval.ts";
import { pairedNewcombeInterval } from "./paired-newcombe-interval.ts";
import { twoSidedT } from "./two-sided-t.ts";
import { wilsonInterval } from "./wilson-interval.ts";

/** A score between 0 and 1, and how far each row moves it (delta method). */
export type InfluencedScore = { readonly estimate: number; readonly influence: readonly number[] };
/** Two sums over the same rows, one number per row each: F1 has twice the labels in both, by the labels of both together. */
export type RatioCounts = { readonly shared: readonly number[]; readonly listed: readonly number[] };

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** A ratio of means, and how far each row moves it. 0 where nothing is listed, as scikit-learn's zero_division. */
export const computeRatio = ({
  shared,
  listed,
}: RatioCounts): { ratio: number; influence: readonly number[] } => {
  const total = sum(listed);
  if (total === 0) return { ratio: 0, influence: listed.map(() => 0) };
  const ratio = sum(shared) / total;
  const mean = total / listed.length;
  return { ratio, influence: shared.map((value, row) => (value - ratio * (listed[row] ?? 0)) / mean) };
};

const computeReach = (influence: readonly number[], confidence: number): number =>
  influence.length < 2
    ? Number.POSITIVE_INFINITY
    : twoSidedT(confidence, influence.length - 1) * Math.sqrt(moments(influence).variance / influence.length);

/**
 * The interval of a score by Student's t over rows, within 0 and 1. Where no row moves the score (all right, or all wrong)
 * that has no width: then Wilson's interval of the share of entirely right rows takes its place.
 * @param exact whether each row is entirely right
 */
export const intervalOfInfluence = (
  { estimate, influence }: InfluencedScore,
  exact: readonly boolean[],
  confidence = defaultConfidence,
): Interval => {
  if (influence.every((value) => value === 0)) {
    const count = exact.filter(Boolean).length;
    const { low, high } = wilsonInterval({ count, total: exact.length }, confidence);
    return { estimate, low: Math.min(estimate, low), high: Math.max(estimate, high) };
  }
  const reach = computeReach(influence, confidence);
  return { estimate, low: Math.max(0, estimate - reach), high: Math.min(1, estimate + reach) };
};

type PairedScore = InfluencedScore & { readonly exact: readonly boolean[] };

/**
 * Challenger's score − champion's on the same rows: above 0 the challenger is better. Where no row moves the difference,
 * the paired interval of entirely right rows (Newcombe) around the estimate.
 */
export const gainOfInfluence = (
  champion: PairedScore,
  challenger: PairedScore,
  confidence = defaultConfidence,
): Interval => {
  const estimate = challenger.estimate - champion.estimate;
  const influence = challenger.influence.map((value, row) => value - (champion.influence[row] ?? 0));
  if (influence.every((value) => value === 0)) {
    const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
    for (const [row, isExact] of challenger.exact.entries())
      counts[
        isExact
          ? champion.exact[row]
            ? "both"
            : "onlyFirst"
          : champion.exact[row]
            ? "onlySecond"
            : "neither"
      ]++;
    const { low, high } = pairedNewcombeInterval(counts, confidence);
    return { estimate, low: Math.min(estimate, low), high: Math.max(estimate, high) };
  }
  const reach = computeReach(influence, confidence);
  return { estimate, low: Math.max(-1, estimate - reach), high: Math.min(1, estimate + reach) };
};
