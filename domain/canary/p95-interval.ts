import { quantileLevels } from "#domain/statistics/quantile-levels.ts";
import { confidence } from "./confidence.ts";

const clampPercentile = (level: number) => Math.min(100, Math.max(0, level));

/**
 * Which percentiles of a version's latencies to ask the metrics store for when it has so many requests
 * (ask first without any): the 95th, and around it the ends of its interval for a pass and for a fail, in
 * the order in which `p95Interval` reads them.
 */
export const choosePercentiles = (requests: number): readonly number[] => {
  const pass = quantileLevels(0.95, requests, confidence.pass);
  const fail = quantileLevels(0.95, requests, confidence.fail);
  return [fail.low, pass.low, 95, pass.high, fail.high].map(clampPercentile);
};

type Ends = { readonly low: number; readonly high: number };

/**
 * The 95th percentile and its interval's ends, milliseconds, from latencies asked by `choosePercentiles`; an
 * end that so few requests do not have is open (0 or infinite). Undefined where a latency is missing.
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
    const asked = quantileLevels(0.95, requests, level);
    return { low: asked.low > 0 ? low : 0, high: asked.high <= 100 ? high : Number.POSITIVE_INFINITY };
  };
  return {
    estimate,
    pass: ends(confidence.pass, passLow, passHigh),
    fail: ends(confidence.fail, failLow, failHigh),
  };
};
