/** A request with more rows reports this many scores. */
export const maxReportedScores = 20;

/** The metrics of one inference request, for the version that handled it. */
export type RequestMetrics = {
  readonly environment: "stage" | "prod";
  readonly model: string;
  /** The function version that handled the request. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  /** Numbers of rows by label. */
  readonly labels: ReadonlyMap<string, number>;
  /** Scores of at most `maxReportedScores` of its rows; none from models without a score and from earlier releases. */
  readonly scores?: readonly number[] | undefined;
  /** The request succeeded, but the storage failed to write its record. */
  readonly recordFailed?: boolean;
  /** What predicted; absent from earlier releases. */
  readonly engine?: "compiled" | "onnxruntime" | undefined;
  /** Runs that a compiled model left to onnxruntime since the report before; absent: none. */
  readonly onnxruntimeRuns?: number | undefined;
};

/**
 * A call that the function could not report itself: it ran out of time or memory, crashed, did not start, or was
 * throttled. On AWS Lambda counts these calls.
 */
export type UnreportedCall = Pick<RequestMetrics, "environment" | "model" | "version" | "at"> & {
  readonly cause: "error" | "throttle";
};

export type Window = {
  readonly environment: "stage" | "prod";
  readonly model: string;
  readonly version: string;
  /** Epoch milliseconds, `from` inclusive, `to` exclusive. */
  readonly from: number;
  readonly to: number;
};

/** Complete hours of one model, whichever of its versions had the calls. */
type HoursQuery = {
  readonly environment: "stage" | "prod";
  readonly model: string;
  /** The end of the last hour, epoch milliseconds: a whole hour. */
  readonly to: number;
  readonly hours: number;
};

export type Statistics = {
  /** Requests that the function reported. */
  readonly requests: number;
  /** Those of `requests` that failed. */
  readonly failures: number;
  /** Calls beside `requests` that the function could not report (UnreportedCall): all of them failed. */
  readonly unreported: number;
  readonly labels: ReadonlyMap<string, number>;
  /** Latencies in milliseconds, one per requested percentile (nearest rank); undefined without requests. */
  readonly latencyMs: readonly (number | undefined)[];
  /**
   * How many scores the requests reported, and one for each of `scorePercentiles` (nearest rank). Undefined: none was
   * reported, or none was asked for.
   */
  readonly scores?: ScoreStatistics | undefined;
};
export type ScoreStatistics = { readonly count: number; readonly values: readonly number[] };

/** Percentiles between 0 and 100, or the choice of them by the number of requests. */
export type Percentiles = readonly number[] | ((requests: number) => readonly number[]);

export const choosePercentiles = (percentiles: Percentiles, requests: number): readonly number[] =>
  typeof percentiles === "function" ? percentiles(requests) : percentiles;

export type Count = {
  readonly name: string;
  readonly value: number;
  readonly unit: "Count" | "Seconds" | "Milliseconds" | "Bytes";
  readonly dimensions: Readonly<Record<string, string>>;
};

export const hourMs = 3_600_000;

export interface Metrics {
  request(metrics: RequestMetrics): void;
  /** A metric of the delivery itself: outcomes, durations. */
  count(count: Count): void;
  /**
   * Statistics of one version's requests; `percentiles` between 0 and 100, or chosen by the number of requests. Includes
   * all earlier requests that the service already shows. `labels`: the expected ones; CloudWatch finds others only minutes
   * later. `scorePercentiles`, between 0 and 100: without them no scores are read.
   */
  statistics(
    window: Window,
    options: {
      readonly percentiles: Percentiles;
      readonly labels?: readonly string[];
      readonly scorePercentiles?: readonly number[] | undefined;
    },
  ): Promise<Statistics>;
  /**
   * The calls of a model's alias `live` by hour, oldest first, as the service that runs functions counts them: also those
   * that the function could not report. Hours that the service no longer keeps are 0; it keeps three weeks.
   */
  hourlyCalls(query: HoursQuery): Promise<readonly number[]>;
}

/**
 * Names that the writers of metrics, the alarms and the dashboards share. Requests, Failures and LatencyMs have the
 * dimensions environment, model and version and, for the alarms, environment alone. Scores below zero have a metric of
 * their own, without their sign: CloudWatch computes no percentiles of negative values.
 */
export const metricNames = {
  inference: {
    namespace: "Slipway/Inference",
    requests: "Requests",
    failures: "Failures",
    latencyMs: "LatencyMs",
    score: "Score",
    negativeScore: "NegativeScore",
    storageWriteFailures: "StorageWriteFailures",
  },
  deliveries: {
    namespace: "Slipway/Deliveries",
    /** Age of the oldest open approval; not written while none is open. */
    approvalWaitingSeconds: "ApprovalWaitingSeconds",
    /** Versions that the weekly call could not keep ready. */
    versionsNotWoken: "VersionsNotWoken",
    /** Models on prod whose usual calls do not come any more; written every hour. */
    silentModels: "SilentModels",
    /** Age of the oldest event that is not published; not written while there is none. */
    eventWaitingSeconds: "EventWaitingSeconds",
  },
} as const;
