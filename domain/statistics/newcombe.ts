import { type Interval, usual } from "./interval.ts";
import { type Share, wilson } from "./wilson.ts";

/**
 * The difference first − second of two independent proportions, by Newcombe's hybrid score interval:
 * Wilson's intervals of both, joined by squaring. All of −1 to 1 when one side counted nothing.
 * Source: Newcombe, Stat Med 1998;17:873, method 10.
 */
export const newcombe = (first: Share, second: Share, confidence = usual): Interval => {
  if (first.of === 0 || second.of === 0) return { estimate: 0, low: -1, high: 1 };
  const one = wilson(first, confidence);
  const two = wilson(second, confidence);
  const estimate = one.estimate - two.estimate;
  return {
    estimate,
    low: Math.max(-1, estimate - Math.hypot(one.estimate - one.low, two.high - two.estimate)),
    high: Math.min(1, estimate + Math.hypot(one.high - one.estimate, two.estimate - two.low)),
  };
};
