import { quantileLevels } from "#domain/statistics/quantile-levels.ts";
import { wilsonInterval } from "#domain/statistics/wilson-interval.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { computeLabelShare, countCalls, countFailed } from "./canary-checks.ts";
import type { ArmMeasurement, Estimate } from "./canary-look.ts";
import { confidenceLevels } from "./confidence-levels.ts";
import { choosePercentiles, computeP95Interval } from "./p95-interval.ts";

const median = (requests: number) => quantileLevels(0.5, requests, confidenceLevels.pass);
const clampPercentile = (level: number) => Math.min(100, Math.max(0, level));

/** The percentiles of a judgement, then the median and the ends of its interval. */
export const chooseCanaryPercentiles = (requests: number): readonly number[] => {
  const { low, high } = median(requests);
  return [...choosePercentiles(requests), ...[low, 50, high].map(clampPercentile)];
};

const judgedPercentiles = 5;
/** More labels than this have no chart of their own; the judgement still compares every label. */
export const maxChartedLabels = 12;

const measureMedian = (requests: number, latencies: readonly (number | undefined)[]): Estimate | null => {
  const [low, value, high] = latencies;
  if (low === undefined || value === undefined || high === undefined) return null;
  const levels = median(requests);
  return { value, low: levels.low > 0 ? low : 0, high: levels.high <= 100 ? high : null };
};

/**
 * A version's statistics as the charts show them, each with its 95 % interval.
 * @param statistics with the latencies at `chooseCanaryPercentiles`
 */
export const measureArm = (statistics: Statistics, labels: readonly string[]): ArmMeasurement => {
  const requests = countCalls(statistics);
  const failures = countFailed(statistics);
  const errors = wilsonInterval({ count: failures, total: requests });
  const p95 = computeP95Interval(statistics.requests, statistics.latencyMs);
  return {
    requests,
    failures,
    errors: requests > 0 ? { value: errors.estimate, low: errors.low, high: errors.high } : null,
    p50: measureMedian(statistics.requests, statistics.latencyMs.slice(judgedPercentiles)),
    p95: p95
      ? {
          value: p95.estimate,
          low: p95.pass.low,
          high: Number.isFinite(p95.pass.high) ? p95.pass.high : null,
        }
      : null,
    labels: labels.slice(0, maxChartedLabels).flatMap((label) => {
      const share = computeLabelShare(statistics, label);
      if (share.total === 0) return [];
      const { estimate, low, high } = wilsonInterval(share);
      return [{ label, value: estimate, low, high }];
    }),
  };
};
