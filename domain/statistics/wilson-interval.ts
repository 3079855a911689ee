import { defaultConfidence, type Interval } from "./interval.ts";
import { twoSidedZ } from "./normal-quantile.ts";

export type Proportion = { readonly count: number; readonly total: number };

/**
 * Wilson's score interval of a proportion, within 0 and 1; 0 to 1 where the total is 0.
 * Source: Wilson, J Am Stat Assoc 1927;22:209; recommended by Brown, Cai & DasGupta, Stat Sci 2001;16:101.
 */
export const wilsonInterval = ({ count, total }: Proportion, confidence = defaultConfidence): Interval => {
  if (!(count >= 0 && count <= total)) throw new RangeError(`${count} of ${total} is not a proportion`);
  if (total === 0) return { estimate: 0.5, low: 0, high: 1 };
  const z2 = twoSidedZ(confidence) ** 2;
  const estimate = count / total;
  const centre = estimate + z2 / (2 * total);
  const reach = Math.sqrt(z2 * ((estimate * (1 - estimate)) / total + z2 / (4 * total * total)));
  const scale = 1 + z2 / total;
  // Rounding must not push an end past the estimate or past 0 and 1.
  return {
    estimate,
    low: count === 0 ? 0 : Math.min(estimate, (centre - reach) / scale),
    high: count === total ? 1 : Math.max(estimate, (centre + reach) / scale),
  };
};
