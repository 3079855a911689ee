/** CloudWatch drops a line with more metrics. */
const maxMetricsPerLine = 100;

/**
 * Formats values as log lines in the embedded metric format, each with one dimension set; `at`: epoch milliseconds.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export const formatMetricLines = (metrics: {
  readonly namespace: string;
  readonly at: number;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly {
    readonly name: string;
    /** One, or at most 100. */
    readonly value: number | readonly number[];
    readonly unit: string;
  }[];
}): readonly string[] => {
  const { namespace, at, dimensions } = metrics;
  // NaN would become null in JSON, and CloudWatch would drop the whole line.
  const values = metrics.values.filter(({ value }) => [value].flat().every(Number.isFinite));
  const lines: string[] = [];
  for (let start = 0; start < values.length; start += maxMetricsPerLine) {
    const part = values.slice(start, start + maxMetricsPerLine);
    lines.push(
      JSON.stringify({
        _aws: {
          Timestamp: Math.floor(at),
          CloudWatchMetrics: [
            {
              Namespace: namespace,
              Dimensions: [Object.keys(dimensions)],
              Metrics: part.map(({ name, unit }) => ({ Name: name, Unit: unit })),
            },
          ],
        },
        ...dimensions,
        ...Object.fromEntries(part.map(({ name, value }) => [name, value])),
      }),
    );
  }
  return lines;
};
