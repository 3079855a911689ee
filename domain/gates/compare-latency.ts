import { prices } from "#domain/cost/prices.ts";
import { findSampleQuantile } from "#domain/statistics/sample-quantile.ts";
import { type Comparison, toKnownInterval } from "./comparison.ts";
import { roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

/** A version on stage, asked for one row at a time. */
export type Timings = { readonly latenciesMs: readonly number[]; readonly memoryMb: number };

/** Both ends together hold with 95 %: each quantile's interval with 97.5 % (Bonferroni). */
const confidenceOfEach = 0.975;

const round = (value: number | undefined): number | null =>
  value === undefined ? null : roundToDigits(value, 4);

/** US dollars of a million requests with one row each, without what AWS gives for nothing. */
const computeCostPerMillion = ({ latenciesMs, memoryMb }: Timings): number | undefined => {
  if (latenciesMs.length === 0) return undefined;
  const mean = latenciesMs.reduce((sum, latency) => sum + latency, 0) / latenciesMs.length;
  const gbSeconds = (mean / 1_000) * (memoryMb / 1_024);
  return 1e6 * (gbSeconds * prices.lambdaArmGbSecond.usd + prices.lambdaRequest.usd);
};

/**
 * Latency (p95, milliseconds) and cost of both versions, measured in turns. Latency decides by checkLatency alone.
 * @param champion undefined: nothing to compare with
 */
export const compareLatency = ({
  challenger,
  champion,
  check,
}: {
  readonly challenger: Timings;
  readonly champion: Timings | undefined;
  readonly check: Check;
}): readonly Comparison[] => {
  const after = findSampleQuantile(challenger.latenciesMs, 0.95, confidenceOfEach);
  const before = champion && findSampleQuantile(champion.latenciesMs, 0.95, confidenceOfEach);
  const { low = Number.NaN, high = Number.NaN } = after;
  return [
    {
      name: check.name,
      unit: "ms",
      champion: round(before?.estimate),
      challenger: round(after.estimate),
      interval: toKnownInterval({
        low: low - (before?.high ?? Number.NaN),
        high: high - (before?.low ?? Number.NaN),
      }),
      limit: `≤ ${check.limit}`,
      verdict: check.verdict,
    },
    {
      name: "cost per million",
      unit: "USD",
      champion: round(champion && computeCostPerMillion(champion)),
      challenger: round(computeCostPerMillion(challenger)),
      interval: null,
      limit: "",
      verdict: null,
    },
  ];
};

/** A measurement of a check that the table shows too, where the check itself compares nothing. */
export const compareCheck = (
  { name, unit, measured, limit, verdict }: Check,
  champion: number | null,
): Comparison => ({
  name,
  unit,
  champion,
  challenger: measured,
  interval: null,
  limit: limit === null ? "" : `≤ ${limit}`,
  verdict,
});
