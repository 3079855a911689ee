import { defaultConfidence } from "./interval.ts";
import { twoSidedZ } from "./normal-quantile.ts";

/**
 * Between which percentiles of a sample its population's quantile lies: p ± z·√(p(1 − p)/n), in percent,
 * to be read by nearest rank (which rounds both ranks up, as the source has it). A level at or below 0 or
 * above 100 is a rank that the sample does not have: that end is open. `p` lies between 0 and 1.
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
