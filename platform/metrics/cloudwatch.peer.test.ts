import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { expect, test } from "vitest";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { type MetricsUnderTest, metricsContract } from "#test/contracts/metrics.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { formatMetricLines } from "./cloudwatch/metric-lines.ts";
import { createCloudWatchMetrics } from "./cloudwatch.ts";
import type { Metrics } from "./metrics.ts";

let groups = 0;
/** Lines go to a log group like a function's output, and CloudWatch extracts the metrics from there. */
const subject = async (peer: MotoPeer) => {
  const logs = new CloudWatchLogsClient(peer.direct());
  groups += 1;
  const stream = { logGroupName: `/slipway/contract-${groups}`, logStreamName: "one" };
  await logs.send(new CreateLogGroupCommand({ logGroupName: stream.logGroupName }));
  await logs.send(new CreateLogStreamCommand(stream));
  const client = new CloudWatchClient(peer.config());
  let lines: string[] = [];
  const emit = (line: string) => void lines.push(line);
  const namespace = `Slipway-${groups}`;
  const metrics = createCloudWatchMetrics({ client, namespace, emit, clock: Date.now });
  const shipLines = async () => {
    const logEvents = lines.map((message) => ({ message, timestamp: Date.now() }));
    lines = [];
    if (logEvents.length > 0) await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  };
  const subjectMetrics: Metrics = {
    ...metrics,
    statistics: async (...args) => {
      await shipLines();
      return metrics.statistics(...args);
    },
    hourlyCalls: async (query) => {
      await shipLines();
      return metrics.hourlyCalls(query);
    },
  };
  const dayMs = 24 * 60 * 60 * 1_000;
  const total: MetricsUnderTest["total"] = async (name, dimensions) => {
    await shipLines();
    const today = Math.floor(Date.now() / dayMs) * dayMs;
    const { Datapoints = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: namespace,
        MetricName: name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(today - dayMs),
        EndTime: new Date(today + dayMs),
        Period: dayMs / 1_000,
        Statistics: ["Sum"],
      }),
    );
    return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
  };
  // moto has no functions: their metrics come through log lines, too.
  const breakCall: MetricsUnderTest["breakCall"] = ({ environment, model, version, at, cause }) => {
    const FunctionName = toFunctionName(environment, model);
    const dimensions = { FunctionName, Resource: `${FunctionName}:live`, ExecutedVersion: version };
    const values = [{ name: cause === "error" ? "Errors" : "Throttles", value: 1, unit: "Count" }];
    for (const line of formatMetricLines({ namespace: "AWS/Lambda", at, dimensions, values })) emit(line);
  };
  const countCall: MetricsUnderTest["countCall"] = ({ environment, model, at }) => {
    const FunctionName = toFunctionName(environment, model);
    const dimensions = { FunctionName, Resource: `${FunctionName}:live` };
    const values = [{ name: "Invocations", value: 1, unit: "Count" }];
    for (const line of formatMetricLines({ namespace: "AWS/Lambda", at, dimensions, values })) emit(line);
  };
  return {
    breakCall,
    countCall,
    metrics: subjectMetrics,
    total,
    lines: () => lines,
    minute: Math.floor(Date.now() / 60_000 - 2) * 60_000,
    close: async () => {
      client.destroy();
      logs.destroy();
    },
  };
};

describeWithFaults("metrics", (peer, name) => {
  metricsContract(`CloudWatch, ${name}`, () => subject(peer));

  const version1 = { environment: "prod", model: "many", version: "1" } as const;

  test("150 labels are all counted although a line has at most 100 metrics, and a window of hours is one period", async () => {
    const { metrics, minute, close } = await subject(peer);
    const labels = new Map(
      Array.from({ length: 150 }, (_, index): [string, number] => [`label ${index}`, index]),
    );
    for (const [index, latencyMs] of [1, 2, 3, 4].entries())
      metrics.request({ ...version1, at: minute - index * 3_600_000, latencyMs, failed: false, labels });
    const window = { ...version1, from: minute - 4 * 3_600_000 + 17, to: minute + 1 };
    const statistics = await metrics.statistics(window, { percentiles: [50, 100] });
    expect(statistics.requests).toBe(4);
    expect(statistics.latencyMs).toEqual([2, 4]);
    expect(statistics.labels.size).toBe(150);
    expect(statistics.labels.get("label 149")).toBe(4 * 149);
    await close();
  });

  test("a latency of NaN leaves the request's other metrics intact", async () => {
    const { metrics, minute, close } = await subject(peer);
    metrics.request({
      ...version1,
      at: minute,
      latencyMs: Number.NaN,
      failed: true,
      labels: new Map([["stay", 2]]),
    });
    const window = { ...version1, from: minute, to: minute + 60_000 };
    expect(await metrics.statistics(window, { percentiles: [50] })).toEqual({
      requests: 1,
      failures: 1,
      unreported: 0,
      labels: new Map([["stay", 2]]),
      latencyMs: [undefined],
    });
    await close();
  });
});
