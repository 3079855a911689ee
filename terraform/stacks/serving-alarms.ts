import type { TerraformStack } from "cdktn";
import { metricNames } from "../../platform/metrics/metrics.ts";
import type { Environment } from "../../platform/serving/serving.ts";
import { addAlarmSet } from "../constructs/alarm-set/alarm-set.ts";
import { createThrottleAlarm } from "../constructs/alarm-set/table-throttles.ts";
import { addDashboard } from "../constructs/dashboard/dashboard.ts";
import type { EnvironmentConfig } from "../read-config.ts";

type Needs = {
  readonly environment: Environment;
  readonly config: EnvironmentConfig;
  readonly topic: string;
  readonly trial: boolean;
  readonly httpApiId: string;
  /** The name of the function that checks API keys. */
  readonly authorizer: string;
  /** The name of the table of records and keys. */
  readonly table: string;
};

const { namespace, requests, failures, latencyMs, storageWriteFailures } = metricNames.inference;
const fiveMinutes = 300;

/** Alarms and the dashboard for all models of an environment. */
export const addServingAlarms = (
  stack: TerraformStack,
  { environment, config, topic, trial, httpApiId, authorizer, table }: Needs,
): void => {
  const { alarms, region } = config;
  const here = (name: string, statistic: string) => ({
    namespace,
    name,
    statistic,
    dimensions: { environment },
  });
  const api = (name: string) => ({
    namespace: "AWS/ApiGateway",
    name,
    statistic: "Sum",
    dimensions: { ApiId: httpApiId },
  });
  const lambda = (name: string) => ({ namespace: "AWS/Lambda", name, statistic: "Sum" });
  addAlarmSet(stack, "alarms", {
    set: environment,
    topic,
    trial,
    alarms: [
      {
        name: "errors",
        description: `More than ${alarms.errorPercent} % of ${environment}'s requests failed within 5 minutes. The dashboard slipway-${environment} shows the model; slipway rollback restores its previous version.`,
        above: alarms.errorPercent,
        seconds: fiveMinutes,
        of: { percentOf: here(failures, "Sum"), among: here(requests, "Sum") },
      },
      {
        name: "latency",
        description: `p99 latency of ${environment} above ${alarms.p99Ms} ms within 5 minutes.`,
        above: alarms.p99Ms,
        seconds: fiveMinutes,
        of: here(latencyMs, "p99"),
      },
      {
        name: "storage",
        description: `Predictions of ${environment} succeeded but were not recorded. Callers got their responses; see the table's throttles and the functions' logs.`,
        above: 0,
        seconds: fiveMinutes,
        of: here(storageWriteFailures, "Sum"),
      },
      {
        // Without dimensions: all functions of the account. Such a call writes no metrics of ours.
        name: "crashes",
        description: `More than ${alarms.errorPercent} % of the calls of ${environment}'s functions ended without a response within 5 minutes: time-outs, full memory, crashes. Their logs say which; slipway rollback restores a model's previous version.`,
        above: alarms.errorPercent,
        seconds: fiveMinutes,
        of: { percentOf: lambda("Errors"), among: lambda("Invocations") },
      },
      {
        name: "throttles",
        description: `Lambda throttled calls in ${environment}'s account: the account's concurrency is used up.`,
        above: 0,
        seconds: fiveMinutes,
        of: lambda("Throttles"),
      },
      {
        // Includes what reaches no function: a missing permission, a route without its function.
        name: "api",
        description: `More than ${alarms.errorPercent} % of the requests to ${environment}'s HTTP API got a 5xx within 5 minutes: its access log has the status of the integration and of the authorizer.`,
        above: alarms.errorPercent,
        seconds: fiveMinutes,
        of: { percentOf: api("5xx"), among: api("Count") },
      },
      {
        name: "authorizer",
        description: `The function that checks API keys on ${environment} failed within 5 minutes, so callers got an error instead of a prediction: its log ${authorizer} has the reason.`,
        above: 0,
        seconds: fiveMinutes,
        of: { ...lambda("Errors"), dimensions: { FunctionName: authorizer } },
      },
      createThrottleAlarm(table),
    ],
  });
  const search = (name: string, statistic: string) =>
    `SEARCH('{${namespace},environment,model,version} MetricName="${name}" environment="${environment}"', '${statistic}', 60)`;
  addDashboard(stack, "dashboard", {
    name: `slipway-${environment}`,
    region,
    widgets: [
      { title: "Requests per minute, by model and version", expressions: [search(requests, "Sum")] },
      { title: "Failures per minute", expressions: [search(failures, "Sum")] },
      {
        title: "Latency p50 and p99, ms",
        expressions: [search(latencyMs, "p50"), search(latencyMs, "p99")],
      },
      {
        title: "Predictions not recorded",
        metrics: [[namespace, storageWriteFailures, "environment", environment]],
      },
      {
        title: "HTTP API: requests, 4xx, 5xx",
        metrics: ["Count", "4xx", "5xx"].map((name) => ["AWS/ApiGateway", name, "ApiId", httpApiId]),
      },
      {
        title: "Lambda: concurrency, throttles",
        metrics: [
          ["AWS/Lambda", "ConcurrentExecutions"],
          ["AWS/Lambda", "Throttles"],
        ],
      },
    ],
  });
};
