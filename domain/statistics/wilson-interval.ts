import { defaultConfidence, type Interval } from "./interval.ts";
import { twoSidedZ } from "./normal-quantile.ts";

/** How many of how many. */
export type Proportion = { readonly count: number; readonly of: number };

/**
 * Wilson's score interval of a proportion, each end between 0 and 1; all of it when nothing was counted.
 * Source: Wilson, J Am Stat Assoc 1927;22:209; recommended by Brown, Cai & DasGupta, Stat Sci 2001;16:101.
 */
export const wilsonInterval = ({ count, of }: Proportion, confidence = defaultConfidence): Interval => {
  if (!(count >= 0 && count <= of)) throw new RangeError(`${count} of ${of} is no proportion`);
  if (of === 0) return { estimate: 0.5, low: 0, high: 1 };
  const z2 = twoSidedZ(confidence) ** 2;
  const estimate = count / of;
  const centre = estimate + z2 / (2 * of);
  const reach = Math.sqrt(z2 * ((estimate * (1 - estimate)) / of + z2 / (4 * of * of)));
  const scale = 1 + z2 / of;
  // Rounding must not push an end past the estimate or past 0 and 1.
  return {
    estimate,
    low: count === 0 ? 0 : Math.min(estimate, (centre - reach) / scale),
    high: count === of ? 1 : Math.max(estimate, (centre + reach) / scale),
  };
};
