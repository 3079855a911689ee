import { defaultConfidence, type Interval } from "./interval.ts";
import { wilsonInterval } from "./wilson-interval.ts";

/** Of the same cases: how many both models predict correctly, only the first, only the second, neither. */
type PairedCounts = {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
};

/** Correlation of the two models, with the continuity correction of method 10. */
const correlation = ({ both: a, onlyFirst: b, onlySecond: c, neither: d }: PairedCounts): number => {
  const margins = (a + b) * (c + d) * (a + c) * (b + d);
  if (margins === 0) return 0;
  const surplus = a * d - b * c;
  const corrected = surplus > 0 ? Math.max(surplus - (a + b + c + d) / 2, 0) : surplus;
  return corrected / Math.sqrt(margins);
};

/**
 * Interval of the difference first − second of two proportions on the same cases: two models' accuracies on the same rows.
 * −1 to 1 without cases.
 * Source: Newcombe, Stat Med 1998;17:2635, method 10.
 */
export const pairedNewcombeInterval = (counts: PairedCounts, confidence = defaultConfidence): Interval => {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const total = both + onlyFirst + onlySecond + neither;
  if (total === 0) return { estimate: 0, low: -1, high: 1 };
  const a = wilsonInterval({ count: both + onlyFirst, total }, confidence);
  const b = wilsonInterval({ count: both + onlySecond, total }, confidence);
  const phi = correlation(counts);
  const join = (x: number, y: number) => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  const estimate = (onlyFirst - onlySecond) / total;
  return {
    estimate,
    low: Math.max(-1, estimate - join(a.estimate - a.low, b.high - b.estimate)),
    high: Math.min(1, estimate + join(a.high - a.estimate, b.estimate - b.low)),
  };
};
