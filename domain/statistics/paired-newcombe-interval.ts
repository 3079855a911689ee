import { defaultConfidence, type Interval } from "./interval.ts";
import { wilsonInterval } from "./wilson-interval.ts";

/** The same cases judged by two: how many both got right, only the first, only the second, neither. */
type PairedCounts = {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
};

/** The correlation of the two judgements, with the continuity correction that makes it method 10. */
const correlation = ({ both: a, onlyFirst: b, onlySecond: c, neither: d }: PairedCounts): number => {
  const margins = (a + b) * (c + d) * (a + c) * (b + d);
  if (margins === 0) return 0;
  const surplus = a * d - b * c;
  const corrected = surplus > 0 ? Math.max(surplus - (a + b + c + d) / 2, 0) : surplus;
  return corrected / Math.sqrt(margins);
};

/**
 * The difference first − second of two proportions measured on the same cases, such as two models'
 * accuracies on the same rows. All of −1 to 1 without cases.
 * Source: Newcombe, Stat Med 1998;17:2635, method 10.
 */
export const pairedNewcombeInterval = (counts: PairedCounts, confidence = defaultConfidence): Interval => {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const of = both + onlyFirst + onlySecond + neither;
  if (of === 0) return { estimate: 0, low: -1, high: 1 };
  const one = wilsonInterval({ count: both + onlyFirst, of }, confidence);
  const two = wilsonInterval({ count: both + onlySecond, of }, confidence);
  const phi = correlation(counts);
  const join = (x: number, y: number) => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  const estimate = (onlyFirst - onlySecond) / of;
  return {
    estimate,
    low: Math.max(-1, estimate - join(one.estimate - one.low, two.high - two.estimate)),
    high: Math.min(1, estimate + join(one.high - one.estimate, two.estimate - two.low)),
  };
};
