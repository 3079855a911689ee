import { quantileLevels } from "#domain/statistics/quantile-levels.ts";
import { confidenceLevels } from "./confidence-levels.ts";

const clampPercentile = (level: number) => Math.min(100, Math.max(0, level));

/**
 * The percentiles to read from the metrics store for a version with so many requests:
 * the 95th and the ends of its intervals for a pass and for a fail, in the order that `computeP95Interval` expects.
 */
export const choosePercentiles = (requests: number): readonly number[] => {
  const pass = quantileLevels(0.95, requests, confidenceLevels.pass);
  const fail = quantileLevels(0.95, requests, confidenceLevels.fail);
  return [fail.low, pass.low, 95, pass.high, fail.high].map(clampPercentile);
};

type Ends = { readonly low: number; readonly high: number };

/**
 * The 95th percentile with both intervals, milliseconds, from the latencies at `choosePercentiles`. Too few requests leave
 * an end open (0 or infinite). Undefined where a latency is missing.
 */
export const computeP95Interval = (
  requests: number,
  latencyMs: readonly (number | undefined)[],
): { readonly estimate: number; readonly pass: Ends; readonly fail: Ends } | undefined => {
  const [failLow, passLow, estimate, passHigh, failHigh] = latencyMs;
  if (
    failLow === undefined ||
    passLow === undefined ||
    estimate === undefined ||
    passHigh === undefined ||
    failHigh === undefined
  )
    return undefined;
  const ends = (level: number, low: number, high: number): Ends => {
    const levels = quantileLevels(0.95, requests, level);
    return { low: levels.low > 0 ? low : 0, high: levels.high <= 100 ? high : Number.POSITIVE_INFINITY };
  };
  return {
    estimate,
    pass: ends(confidenceLevels.pass, passLow, passHigh),
    fail: ends(confidenceLevels.fail, failLow, failHigh),
  };
};
