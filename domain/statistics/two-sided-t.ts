import { twoSidedZ } from "./normal-quantile.ts";

/** P(|T| ≤ t) for whole degrees of freedom: the finite sums of Abramowitz & Stegun 26.7.3 and 26.7.4. */
const twoSidedProbability = (t: number, freedom: number): number => {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let power = odd ? 1 : 0; power <= freedom - 2; power += 2) {
    sum += term;
    term *= (cosine * cosine * (power + 1)) / (power + 2);
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
};

/**
 * The t of a two-sided interval of Student's distribution: bisection of the exact distribution up to 100 degrees of
 * freedom, above that the expansion of Abramowitz & Stegun 26.7.5, which is exact to nine digits there.
 * @param freedom whole number ≥ 1
 */
export const twoSidedT = (confidence: number, freedom: number): number => {
  const z = twoSidedZ(confidence);
  if (freedom > 100) {
    const g1 = (z ** 3 + z) / 4;
    const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
    const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
    const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160;
    return z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3 + g4 / freedom ** 4;
  }
  let low = 0;
  let high = z;
  while (twoSidedProbability(high, freedom) < confidence) high *= 2;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (twoSidedProbability(middle, freedom) < confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};
