/** A sum of rounded shares ends a little above 1 or below 0. What is further outside is no share, and stays visible. */
const roundingError = 0.01;

/** A probability without the rounding of the sum that it is. */
export const clampShare = (score: number): number => {
  if (score > 1) return score <= 1 + roundingError ? 1 : score;
  return score < 0 && score >= -roundingError ? 0 : score;
};
