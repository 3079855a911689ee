import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { metricNames } from "#platform/metrics/metrics.ts";
import { listScoreMetrics } from "./list-score-metrics.ts";
import { toRowsMetric } from "./rows-metric.ts";

/**
 * A predict request becomes one line in the embedded metric format, from which CloudWatch extracts the metrics.
 * Source of the rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * - Dimension values are members of the line's root, so a line has one value per dimension and cannot count several
 *   labels with a dimension `label`. Instead, each label has a metric `Rows.<label>`.
 * - A directive has at most 100 metric definitions and a line at most 256 KB, so only the 95 to 97 labels with the
 *   most rows are counted.
 * - A metric's value is a number or an array of at most 100 numbers, as the scores of a request are.
 * - A metric's name is a member of the root with 1 to 1,024 ASCII characters; labels, with at most 128 characters, are
 *   percent-encoded.
 * - Each directive has its own dimensions: version for canaries and dashboards, environment for alarms. CloudWatch finds
 *   a metric only by exactly its dimensions.
 * `labels` repeats the counts in a form that Logs Insights can read. `engine` and `onnxruntimeRuns` are properties and no
 *   dimensions: they are found in the logs, and cost no metric (docs/decisions/53-a-plan-is-a-file-of-the-image.md).
 */
export const { namespace } = metricNames.inference;
const { requests, failures, latencyMs: latency, storageWriteFailures } = metricNames.inference;
const dimensions = ["environment", "model", "version"];
export const maxMetrics = 100;

const requestMetrics = [
  { Name: requests, Unit: "Count" },
  { Name: failures, Unit: "Count" },
  // A resolution of one second, so that a canary's first minute is visible.
  { Name: latency, Unit: "Milliseconds", StorageResolution: 1 },
];
/** Only for the alarms, which cover an environment with all its models. */
const recordFailureMetric = { Name: storageWriteFailures, Unit: "Count" };

/** Formats a predict request as one line, without a newline. */
export const formatEmf = ({
  environment,
  model,
  version,
  at,
  latencyMs,
  failed,
  labels,
  scores = [],
  recordFailed = false,
  engine,
  onnxruntimeRuns = 0,
}: RequestMetrics): string => {
  const scoreMetrics = listScoreMetrics(scores);
  const maxLabels = maxMetrics - requestMetrics.length - scoreMetrics.length;
  const counts = [...labels].sort(([, a], [, b]) => b - a).slice(0, maxLabels);
  const rowsMetrics = counts.map(([label]) => ({ Name: toRowsMetric(label), Unit: "Count" }));
  return JSON.stringify({
    _aws: {
      Timestamp: Math.trunc(at),
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [dimensions],
          Metrics: [...requestMetrics, ...scoreMetrics.map(({ name }) => ({ Name: name })), ...rowsMetrics],
        },
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
    ...Object.fromEntries(scoreMetrics.map(({ name, values }) => [name, values])),
    ...Object.fromEntries(counts.map(([label, count]) => [toRowsMetric(label), count])),
    labels: Object.fromEntries(counts),
    ...(engine !== undefined && { engine }),
    ...(onnxruntimeRuns > 0 && { onnxruntimeRuns }),
  });
};
