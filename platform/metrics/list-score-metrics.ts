import { metricNames } from "./metrics.ts";

const { score, negativeScore } = metricNames.inference;
/** CloudWatch refuses larger values. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html */
const maxValue = 2 ** 360;
const isAccepted = (value: number): boolean => Math.abs(value) <= maxValue;

/**
 * A request's scores as metrics with several values each. Those below zero are a metric of their own, without their sign:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html has no percentiles of a
 * metric with negative values. A metric without values is left out, because CloudWatch charges for each.
 */
export const listScoreMetrics = (
  scores: readonly number[],
): readonly { readonly name: string; readonly values: readonly number[] }[] => {
  const accepted = scores.filter(isAccepted);
  const metrics = [
    { name: score, values: accepted.filter((value) => value >= 0) },
    { name: negativeScore, values: accepted.filter((value) => value < 0).map((value) => -value) },
  ];
  return metrics.filter(({ values }) => values.length > 0);
};
