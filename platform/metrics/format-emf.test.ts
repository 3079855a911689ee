import { expect, test } from "vitest";
import { formatEmf } from "./format-emf.ts";
import { EmfLine, parseEmf } from "./parse-emf.ts";

const metrics = {
  environment: "prod",
  model: "churn",
  version: "7",
  at: 1_795_268_309_313,
  latencyMs: 1.25,
  failed: false,
  labels: new Map([
    ["stay", 3],
    ["churn", 1],
  ]),
} as const;

test("every metric that a line defines is a member of its root, as CloudWatch requires", () => {
  const line = EmfLine.parse(JSON.parse(formatEmf(metrics)));
  const [directive] = line._aws.CloudWatchMetrics;
  expect(directive).toMatchObject({
    Namespace: "Slipway/Inference",
    Dimensions: [["environment", "model", "version"]],
  });
  for (const { Name } of directive?.Metrics ?? []) expect(line[Name]).toBeTypeOf("number");
  expect(line).toMatchObject({ Requests: 1, Failures: 0, LatencyMs: 1.25, "Rows.stay": 3, "Rows.churn": 1 });
});

test("the metrics by environment are those of the alarms, including lost records", () => {
  const line = EmfLine.parse(JSON.parse(formatEmf({ ...metrics, recordFailed: true })));
  const [, directive] = line._aws.CloudWatchMetrics;
  expect(directive?.Dimensions).toEqual([["environment"]]);
  expect(directive?.Metrics.map(({ Name }) => [Name, line[Name]])).toEqual([
    ["Requests", 1],
    ["Failures", 0],
    ["LatencyMs", 1.25],
    ["StorageWriteFailures", 1],
  ]);
  expect(JSON.parse(formatEmf(metrics)).StorageWriteFailures).toBe(0);
});

test("parseEmf returns what formatEmf wrote", () => {
  expect(parseEmf(formatEmf(metrics))).toEqual(metrics);
  expect(parseEmf(formatEmf({ ...metrics, failed: true, labels: new Map() }))).toEqual({
    ...metrics,
    failed: true,
    labels: new Map(),
  });
});

test("a thousand labels fit in one directive and 256 KB, and the most frequent ones are counted", () => {
  const labels = new Map(
    Array.from({ length: 1_000 }, (_, at): [string, number] => [`${"ü".repeat(120)}${at}`, at + 1]),
  );
  const line = formatEmf({ ...metrics, labels });
  expect(Buffer.byteLength(line)).toBeLessThan(256 * 1_024);
  expect(EmfLine.parse(JSON.parse(line))._aws.CloudWatchMetrics[0]?.Metrics).toHaveLength(100);
  expect([...(parseEmf(line)?.labels.values() ?? [])]).toContain(1_000);
});

test.each([
  "",
  "plain text",
  '{"_aws":',
  '{"_aws":{}}',
  '{"level":"info"}',
  '{"_aws":{"Timestamp":1,"CloudWatchMetrics":[]},"model":"x"}',
])("parseEmf returns undefined for any other line: %s", (line) => expect(parseEmf(line)).toBeUndefined());
