import { quantileLevels } from "#domain/statistics/quantile-levels.ts";
import { roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

/** Below this many answers the 95th percentile is simply the slowest. */
const minRequests = 20;

/**
 * The 95th percentile (nearest rank) of the deployed function's latencies against the limit, milliseconds;
 * the cold start is told beside it. Fewer than 20 answers are inconclusive.
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
  const cold =
    coldStartMs === undefined
      ? ""
      : ` The first answer after a cold start took ${roundToDigits(coldStartMs, 3)} ms.`;
  const words = (value: number | undefined) =>
    value === undefined ? "unknown" : String(roundToDigits(value, 3));
  const interval = `95 % interval ${words(atLevel(levels.low))} to ${words(atLevel(levels.high))}`;
  const enough = p95 !== undefined && n >= minRequests;
  return {
    name: "latency p95",
    verdict: enough ? (p95 <= limit ? "pass" : "fail") : "inconclusive",
    measured: p95 === undefined ? null : roundToDigits(p95, 4),
    limit,
    unit: "ms",
    detail: enough
      ? `95 of 100 requests were answered within ${roundToDigits(p95, 3)} ms (${interval}, ${n} requests); at most ${limit} ms are allowed.${cold}`
      : `${n} answered requests are too few for a 95th percentile: at least ${minRequests} are needed.${cold}`,
  };
};
