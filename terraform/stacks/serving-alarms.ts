import type { TerraformStack } from "cdktn";
import { metricNames } from "../../platform/metrics/metrics.ts";
import type { Environment } from "../../platform/serving/serving.ts";
import { addAlarmSet } from "../constructs/alarm-set/alarm-set.ts";
import { addDashboard } from "../constructs/dashboard/dashboard.ts";
import type { EnvironmentConfig } from "../read-config.ts";

type Needs = {
  readonly environment: Environment;
  readonly config: EnvironmentConfig;
  readonly topic: string;
  readonly httpApiId: string;
};

const { namespace, requests, failures, latencyMs, storageWriteFailures } = metricNames.inference;
const fiveMinutes = 300;

/** Alarms and the dashboard of an environment, over all its models. */
export const addServingAlarms = (
  stack: TerraformStack,
  { environment, config, topic, httpApiId }: Needs,
): void => {
  const { alarms, region } = config;
  const here = (name: string, statistic: string) => ({
    namespace,
    name,
    statistic,
    dimensions: { environment },
  });
  addAlarmSet(stack, "alarms", {
    set: environment,
    topic,
    alarms: [
      {
        name: "errors",
        description: `More than ${alarms.errorPercent} % of ${environment}'s requests failed within 5 minutes. The dashboard slipway-${environment} says which model; slipway rollback puts it back.`,
        above: alarms.errorPercent,
        seconds: fiveMinutes,
        of: { percentOf: here(failures, "Sum"), among: here(requests, "Sum") },
      },
      {
        name: "latency",
        description: `One of a hundred requests to ${environment} took longer than ${alarms.p99Ms} ms within 5 minutes.`,
        above: alarms.p99Ms,
        seconds: fiveMinutes,
        of: here(latencyMs, "p99"),
      },
      {
        name: "storage",
        description: `Predictions of ${environment} were answered and not recorded. Callers have their answers; see the table's throttles and the functions' logs.`,
        above: 0,
        seconds: fiveMinutes,
        of: here(storageWriteFailures, "Sum"),
      },
      {
        name: "throttles",
        description: `Lambda refused calls in ${environment}'s account: the account's concurrency is used up.`,
        above: 0,
        seconds: fiveMinutes,
        of: { namespace: "AWS/Lambda", name: "Throttles", statistic: "Sum" },
      },
    ],
  });
  const search = (name: string, statistic: string) =>
    `SEARCH('{${namespace},environment,model,version} MetricName="${name}" environment="${environment}"', '${statistic}', 60)`;
  addDashboard(stack, "dashboard", {
    name: `slipway-${environment}`,
    region,
    widgets: [
      { title: "Requests a minute, by model and version", expressions: [search(requests, "Sum")] },
      { title: "Failures a minute", expressions: [search(failures, "Sum")] },
      {
        title: "Latency, median and 99 of 100, ms",
        expressions: [search(latencyMs, "p50"), search(latencyMs, "p99")],
      },
      {
        title: "Predictions answered and not recorded",
        metrics: [[namespace, storageWriteFailures, "environment", environment]],
      },
      {
        title: "HTTP API: requests, 4xx, 5xx",
        metrics: ["Count", "4xx", "5xx"].map((name) => ["AWS/ApiGateway", name, "ApiId", httpApiId]),
      },
      {
        title: "Lambda: at once, refused",
        metrics: [
          ["AWS/Lambda", "ConcurrentExecutions"],
          ["AWS/Lambda", "Throttles"],
        ],
      },
    ],
  });
};
