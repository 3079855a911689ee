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
