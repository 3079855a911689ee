import { defaultConfidence, type Interval } from "./interval.ts";
import { twoSidedT } from "./two-sided-t.ts";

/** Mean and sample variance (n − 1) in one numerically stable pass (Welford, Technometrics 1962;4:419). */
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

/** Student's t interval of a mean, in the unit of the values; infinite for fewer than two values. */
export const meanInterval = (values: readonly number[], confidence = defaultConfidence): Interval => {
  const { mean, variance } = moments(values);
  if (values.length < 2)
    return { estimate: mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const reach = twoSidedT(confidence, values.length - 1) * Math.sqrt(variance / values.length);
  return { estimate: mean, low: mean - reach, high: mean + reach };
};
