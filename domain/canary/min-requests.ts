/** twoSidedZ(confidenceLevels.pass); computing it would be the largest part of each function that explains a canary. */
export const passZ = 1.959963984540054;

/** Fewer requests cannot pass, even without a failure: Wilson's upper end of 0 in n is z² / (n + z²). */
export const computeMinRequests = (limit: number): number =>
  limit > 0 ? Math.ceil((passZ ** 2 * (1 - limit)) / limit) : Number.POSITIVE_INFINITY;
