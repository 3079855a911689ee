/** What one inference request adds to the metrics of the version that answered it. */
export type RequestMetrics = {
  readonly environment: "stage" | "prod";
  readonly model: string;
  /** The function version that answered. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  /** How many rows got which label. */
  readonly labels: ReadonlyMap<string, number>;
  /** The request was answered, and its record was lost to a fault of the storage. */
  readonly recordFailed?: boolean;
};

export type Window = {
  readonly environment: "stage" | "prod";
  readonly model: string;
  readonly version: string;
  /** Epoch milliseconds, `from` inclusive, `to` exclusive. */
  readonly from: number;
  readonly to: number;
};

export type Statistics = {
  readonly requests: number;
  readonly failures: number;
  readonly labels: ReadonlyMap<string, number>;
  /** Latencies in milliseconds, one for each asked percentile (nearest rank); undefined without requests. */
  readonly latencyMs: readonly (number | undefined)[];
};

export type Count = {
  readonly name: string;
  readonly value: number;
  readonly unit: "Count" | "Seconds" | "Milliseconds" | "Bytes";
  readonly dimensions: Readonly<Record<string, string>>;
};

export interface Metrics {
  request(metrics: RequestMetrics): void;
  /** A metric of the delivery itself: outcomes, durations. */
  count(count: Count): void;
  /**
   * Statistics of one version's requests; `percentiles` between 0 and 100. All requests emitted before are in, as far
   * as the service shows them yet. `labels`: those that may occur; a service may find others only minutes later.
   */
  statistics(
    window: Window,
    options: { readonly percentiles: readonly number[]; readonly labels?: readonly string[] },
  ): Promise<Statistics>;
  /** Sum of a delivery metric over all time. */
  total(name: string, dimensions: Readonly<Record<string, string>>): Promise<number>;
}

/**
 * Names that who writes a metric, the alarms and the dashboards have to agree on. Requests, Failures and LatencyMs come
 * by version (environment, model, version) and, for the alarms, by environment alone.
 */
export const metricNames = {
  inference: {
    namespace: "Slipway/Inference",
    requests: "Requests",
    failures: "Failures",
    latencyMs: "LatencyMs",
    storageWriteFailures: "StorageWriteFailures",
  },
  deliveries: {
    namespace: "Slipway/Deliveries",
    /** Of the longest open question; nothing is written while none is open. */
    approvalWaitingSeconds: "ApprovalWaitingSeconds",
  },
} as const;
