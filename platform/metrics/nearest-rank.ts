/** The rank, from 1, of the smallest value that at least `percentile` percent of `count` values do not exceed. */
export const toNearestRank = (percentile: number, count: number): number =>
  Math.min(count, Math.max(1, Math.ceil((percentile / 100) * count)));
