const prefix = "Rows.";

/** The metric that counts a label's rows. Names of metrics are ASCII, labels need not be. */
export const toRowsMetric = (label: string): string => `${prefix}${encodeURIComponent(label.toWellFormed())}`;

/** The label that a metric counts rows of; undefined for other metrics. */
export const parseRowsMetric = (metric: string): string | undefined =>
  metric.startsWith(prefix) ? decodeURIComponent(metric.slice(prefix.length)) : undefined;
