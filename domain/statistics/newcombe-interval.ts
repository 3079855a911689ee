import { defaultConfidence, type Interval } from "./interval.ts";
import { type Proportion, wilsonInterval } from "./wilson-interval.ts";

/**
 * Newcombe's hybrid score interval of the difference first − second of two independent proportions: the square root of
 * the summed squares of Wilson's intervals. −1 to 1 where one total is 0.
 * Source: Newcombe, Stat Med 1998;17:873, method 10.
 */
export const newcombeInterval = (
  first: Proportion,
  second: Proportion,
  confidence = defaultConfidence,
): Interval => {
  if (first.total === 0 || second.total === 0) return { estimate: 0, low: -1, high: 1 };
  const a = wilsonInterval(first, confidence);
  const b = wilsonInterval(second, confidence);
  const estimate = a.estimate - b.estimate;
  return {
    estimate,
    low: Math.max(-1, estimate - Math.hypot(a.estimate - a.low, b.high - b.estimate)),
    high: Math.min(1, estimate + Math.hypot(a.high - a.estimate, b.estimate - b.low)),
  };
};
