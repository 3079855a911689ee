import { toNearestRank } from "#platform/metrics/nearest-rank.ts";

/**
 * Where a percentile of all values lies if those below zero are a metric of their own, without their sign. The percentile
 * within that metric is the middle of its rank, so that rounding to CloudWatch's two decimals does not miss the rank.
 * @param percentile 0 to 100, of all values
 */
export const placePercentile = (
  percentile: number,
  { negative, other }: { readonly negative: number; readonly other: number },
): { readonly isNegative: boolean; readonly percentile: number } => {
  if (negative === 0) return { isNegative: false, percentile };
  const rank = toNearestRank(percentile, negative + other);
  // The smallest value is the one with the largest amount.
  return rank <= negative
    ? { isNegative: true, percentile: (100 * (negative - rank + 0.5)) / negative }
    : { isNegative: false, percentile: (100 * (rank - negative - 0.5)) / other };
};
