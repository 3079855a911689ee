import { metricNames } from "./metrics.ts";

const { score, negativeScore } = metricNames.inference;
/** CloudWatch refuses larger values. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html */
const maxValue = 2 ** 360;

type ScoreMetric = { readonly name: string; readonly values: readonly number[] };
const none: readonly ScoreMetric[] = [];

/**
 * A request's scores as metrics with several values each. Those below zero are a metric of their own, without their sign:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html has no percentiles of a
 * metric with negative values. A metric without values is left out, because CloudWatch charges for each.
 */
export const listScoreMetrics = (scores: readonly number[]): readonly ScoreMetric[] => {
  if (scores.length === 0) return none;
  const other: number[] = [];
  const negative: number[] = [];
  for (const value of scores) {
    if (value >= 0 && value <= maxValue) other.push(value);
    else if (value < 0 && value >= -maxValue) negative.push(-value);
  }
  const metrics: ScoreMetric[] = [];
  if (other.length > 0) metrics.push({ name: score, values: other });
  if (negative.length > 0) metrics.push({ name: negativeScore, values: negative });
  return metrics;
};
