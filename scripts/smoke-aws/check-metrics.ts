import {
  CloudWatchClient,
  type Dimension,
  GetMetricStatisticsCommand,
  paginateListMetrics,
} from "@aws-sdk/client-cloudwatch";
import { openRole } from "./open-role.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const days = 14;
const dayMs = 86_400_000;

const sumMetric = async (
  client: CloudWatchClient,
  clock: () => number,
  metric: { readonly Namespace: string; readonly MetricName: string; readonly Dimensions: Dimension[] },
): Promise<number> => {
  const { Datapoints = [] } = await client.send(
    new GetMetricStatisticsCommand({
      ...metric,
      StartTime: new Date(clock() - days * dayMs),
      EndTime: new Date(clock()),
      Period: 86_400,
      Statistics: ["Sum"],
    }),
  );
  return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0);
};

/** Reads whether CloudWatch has metrics of prod's aliases by executed version. */
export const checkExecutedVersion = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour:
    "Lambda counts `Errors` and `Throttles` by `ExecutedVersion` for an alias that shares its calls between two versions",
  expected: "metrics of an alias `live` of prod with the dimension ExecutedVersion",
  aboutAws: true,
  run: async () => {
    const client = new CloudWatchClient({ credentials: openRole(needs, "prod") });
    const found = new Set<string>();
    for await (const { Metrics = [] } of paginateListMetrics(
      { client },
      { Namespace: "AWS/Lambda", Dimensions: [{ Name: "ExecutedVersion" }] },
    ))
      for (const { MetricName = "", Dimensions = [] } of Metrics)
        if (
          Dimensions.some(
            ({ Name, Value }) => Name === "Resource" && /^slipway-prod-.+:live$/.test(Value ?? ""),
          )
        )
          found.add(MetricName);
    if (found.size === 0)
      return {
        status: "not checked",
        actual: "no canary ran in the last two weeks: run this again after the next one",
      };
    const names = [...found].sort().join(", ");
    return found.has("Errors") ? { status: "pass", actual: names } : { status: "fail", actual: names };
  },
});

/** Reads whether events that could not be delivered reached the encrypted dead letters. */
export const checkDeadLetters = ({ clock }: SmokeNeeds): SmokeCheck => ({
  behaviour: "EventBridge's requests to KMS carry no source",
  expected: "no event that failed to reach an encrypted queue",
  aboutAws: true,
  run: async () => {
    const client = new CloudWatchClient({});
    const sums = { InvocationsSentToDlq: 0, InvocationsFailedToBeSentToDlq: 0 };
    for (const MetricName of ["InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"] as const)
      for await (const { Metrics = [] } of paginateListMetrics(
        { client },
        { Namespace: "AWS/Events", MetricName },
      ))
        for (const { Dimensions = [] } of Metrics)
          if (Dimensions.some(({ Name, Value }) => Name === "RuleName" && Value?.startsWith("slipway-")))
            sums[MetricName] += await sumMetric(client, clock, {
              Namespace: "AWS/Events",
              MetricName,
              Dimensions,
            });
    const { InvocationsSentToDlq: sent, InvocationsFailedToBeSentToDlq: failed } = sums;
    if (sent + failed === 0)
      return { status: "not checked", actual: `every event of the last ${days} days was delivered` };
    return {
      status: failed === 0 ? "pass" : "fail",
      actual: `${sent} sent to dead letters, ${failed} failed to be sent`,
    };
  },
});
