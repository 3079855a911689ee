const prefix = "Rows.";

/** The name of the metric that counts a label's rows: ASCII, even if the label is not. */
export const toRowsMetric = (label: string): string => `${prefix}${encodeURIComponent(label.toWellFormed())}`;

/** The label of a metric that counts rows; undefined for other metrics. */
export const parseRowsMetric = (metric: string): string | undefined =>
  metric.startsWith(prefix) ? decodeURIComponent(metric.slice(prefix.length)) : undefined;
