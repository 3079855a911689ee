import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { metricNames } from "#platform/metrics/metrics.ts";
import { toRowsMetric } from "./rows-metric.ts";

/**
 * One predict request as a line that CloudWatch turns into metrics by itself (embedded metric format).
 * Source of the rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * - Dimension values are members of the line's root, so one line has one value for each dimension: counts per label
 *   cannot differ by a dimension `label` within a line. They are metrics named `Rows.<label>` instead.
 * - A directive holds at most 100 metric definitions and a line at most 256 KB: the 97 labels with the most rows are
 *   counted, which is every label of a model that has no more.
 * - A metric's name is a member of the root, ASCII, of 1 to 1,024 characters; a label, of at most 128, is percent-encoded.
 * - Each directive is a set of metrics under its own dimensions: by version for canaries and dashboards, by environment
 *   for its alarms, since a metric is found by exactly its dimensions.
 * `labels` says the same in a form that Logs Insights can read.
 */
export const { namespace } = metricNames.inference;
const { requests, failures, latencyMs: latency, storageWriteFailures } = metricNames.inference;
const dimensions = ["environment", "model", "version"];
export const maxMetrics = 100;
const maxLabels = maxMetrics - 3;

const requestMetrics = [
  { Name: requests, Unit: "Count" },
  { Name: failures, Unit: "Count" },
  // Resolution of a second, so that a canary's first minute already shows.
  { Name: latency, Unit: "Milliseconds", StorageResolution: 1 },
];
/** For the alarms alone, which look at an environment with all its models. */
const recordFailureMetric = { Name: storageWriteFailures, Unit: "Count" };

/** Writes a predict request as one line of the embedded metric format, without the line's end. */
export const formatEmf = ({
  environment,
  model,
  version,
  at,
  latencyMs,
  failed,
  labels,
  recordFailed = false,
}: RequestMetrics): string => {
  const counts = [...labels].sort(([, a], [, b]) => b - a).slice(0, maxLabels);
  const ofRows = counts.map(([label]) => ({ Name: toRowsMetric(label), Unit: "Count" }));
  return JSON.stringify({
    _aws: {
      Timestamp: Math.trunc(at),
      CloudWatchMetrics: [
        { Namespace: namespace, Dimensions: [dimensions], Metrics: [...requestMetrics, ...ofRows] },
        {
          Namespace: namespace,
          Dimensions: [["environment"]],
          Metrics: [...requestMetrics, recordFailureMetric],
        },
      ],
    },
    environment,
    model,
    version,
    Requests: 1,
    Failures: failed ? 1 : 0,
    LatencyMs: latencyMs,
    [storageWriteFailures]: recordFailed ? 1 : 0,
    ...Object.fromEntries(counts.map(([label, count]) => [toRowsMetric(label), count])),
    labels: Object.fromEntries(counts),
  });
};
