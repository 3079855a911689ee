import { quantileLevels } from "#domain/statistics/quantile-levels.ts";
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
  const sorted = latenciesMs
    .filter((latency) => Number.isFinite(latency) && latency >= 0)
    .toSorted((a, b) => a - b);
  const n = sorted.length;
  const atLevel = (level: number) =>
    level > 0 && level <= 100 ? sorted[Math.ceil((level / 100) * n) - 1] : undefined;
  const p95 = atLevel(95);
  const levels = quantileLevels(0.95, n);
  const coldStart = coldStartMs === undefined ? "" : `; cold start ${roundToDigits(coldStartMs, 3)} ms`;
  const format = (value: number | undefined) =>
    value === undefined ? "unknown" : String(roundToDigits(value, 3));
  const interval = `95 % interval ${format(atLevel(levels.low))} to ${format(atLevel(levels.high))} ms`;
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
