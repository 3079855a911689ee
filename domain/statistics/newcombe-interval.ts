import { defaultConfidence, type Interval } from "./interval.ts";
import { type Proportion, wilsonInterval } from "./wilson-interval.ts";

/**
 * The difference first − second of two independent proportions, by Newcombe's hybrid score interval:
 * Wilson's intervals of both, joined by squaring. All of −1 to 1 when one side counted nothing.
 * Source: Newcombe, Stat Med 1998;17:873, method 10.
 */
export const newcombeInterval = (
  first: Proportion,
  second: Proportion,
  confidence = defaultConfidence,
): Interval => {
  if (first.of === 0 || second.of === 0) return { estimate: 0, low: -1, high: 1 };
  const one = wilsonInterval(first, confidence);
  const two = wilsonInterval(second, confidence);
  const estimate = one.estimate - two.estimate;
  return {
    estimate,
    low: Math.max(-1, estimate - Math.hypot(one.estimate - one.low, two.high - two.estimate)),
    high: Math.min(1, estimate + Math.hypot(one.high - one.estimate, two.estimate - two.low)),
  };
};
