import { defaultConfidence } from "./interval.ts";
import { twoSidedZ } from "./normal-quantile.ts";

/**
 * The percentiles of a sample that enclose the population's quantile `p` (0 to 1): p ± z·√(p(1 − p)/n), in percent. Read
 * them by nearest rank, which rounds both ranks up as the source does. A level at or below 0, or above 100, is a rank
 * that the sample does not have: that end is open.
 * Source: Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2.
 */
export const quantileLevels = (
  p: number,
  n: number,
  confidence = defaultConfidence,
): { low: number; high: number } => {
  const reach = n > 0 ? twoSidedZ(confidence) * Math.sqrt((p * (1 - p)) / n) : Number.POSITIVE_INFINITY;
  return { low: 100 * (p - reach), high: 100 * (p + reach) };
};
