import { defaultConfidence, type Interval } from "./interval.ts";
import { twoSidedT } from "./two-sided-t.ts";

/** Mean and variance (n − 1 below) in one pass that keeps its digits (Welford, Technometrics 1962;4:419). */
export const moments = (values: readonly number[]): { mean: number; variance: number } => {
  let mean = 0;
  let squares = 0;
  for (const [index, value] of values.entries()) {
    const step = value - mean;
    mean += step / (index + 1);
    squares += step * (value - mean);
  }
  return { mean, variance: values.length > 1 ? squares / (values.length - 1) : Number.NaN };
};

/** A mean's interval by Student's t, in the values' own unit; open to both sides below two values. */
export const meanInterval = (values: readonly number[], confidence = defaultConfidence): Interval => {
  const { mean, variance } = moments(values);
  if (values.length < 2)
    return { estimate: mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const reach = twoSidedT(confidence, values.length - 1) * Math.sqrt(variance / values.length);
  return { estimate: mean, low: mean - reach, high: mean + reach };
};
