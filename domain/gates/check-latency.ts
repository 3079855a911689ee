import { findSampleQuantile } from "#domain/statistics/sample-quantile.ts";
import { roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

/** With fewer requests the 95th percentile is the slowest one. */
const minRequests = 20;

/**
 * Compares the 95th percentile (nearest rank) of the function's latencies with the limit, milliseconds. Fewer than 20
 * requests are inconclusive. The cold start is only shown.
 */
export const checkLatency = ({
  latenciesMs,
  coldStartMs,
  limit,
}: {
  readonly latenciesMs: readonly number[];
  readonly coldStartMs?: number | undefined;
  readonly limit: number;
}): Check => {
  const { estimate: p95, low, high, n } = findSampleQuantile(latenciesMs, 0.95);
  const coldStart = coldStartMs === undefined ? "" : `; cold start ${roundToDigits(coldStartMs, 3)} ms`;
  const format = (value: number | undefined) =>
    value === undefined ? "unknown" : String(roundToDigits(value, 3));
  const interval = `95 % interval ${format(low)} to ${format(high)} ms`;
  const enough = p95 !== undefined && n >= minRequests;
  return {
    name: "latency p95",
    verdict: enough ? (p95 <= limit ? "pass" : "fail") : "inconclusive",
    measured: p95 === undefined ? null : roundToDigits(p95, 4),
    limit,
    unit: "ms",
    detail: enough
      ? `p95 latency ${roundToDigits(p95, 3)} ms (limit ${limit} ms; ${interval}; ${n} requests)${coldStart}`
      : `p95 latency unknown: ${n} of at least ${minRequests} requests${coldStart}`,
  };
};
