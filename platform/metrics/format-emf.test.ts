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

test("a line says what predicted, and how many runs a compiled model left to onnxruntime, if any", () => {
  const engine = "compiled";
  expect(JSON.parse(formatEmf({ ...metrics, engine, onnxruntimeRuns: 2 }))).toMatchObject({
    engine,
    onnxruntimeRuns: 2,
  });
  expect(JSON.parse(formatEmf({ ...metrics, engine, onnxruntimeRuns: 0 }))).not.toHaveProperty(
    "onnxruntimeRuns",
  );
});

test("scores are one metric with several values; those below zero are a second one, without their sign", () => {
  const scores = [0.25, -1.5, 0, -2, 0.75];
  const line = EmfLine.parse(JSON.parse(formatEmf({ ...metrics, scores })));
  expect(line).toMatchObject({ Score: [0.25, 0, 0.75], NegativeScore: [1.5, 2] });
  const [version, environment] = line._aws.CloudWatchMetrics;
  expect(version?.Metrics.map(({ Name }) => Name).filter((name) => name.endsWith("Score"))).toEqual([
    "Score",
    "NegativeScore",
  ]);
  expect(environment?.Metrics.map(({ Name }) => Name)).not.toContain("Score");
  expect(parseEmf(formatEmf({ ...metrics, scores }))?.scores).toEqual([0.25, 0, 0.75, -1.5, -2]);
});

test("a metric without a value is not defined: CloudWatch would charge for it", () => {
  for (const scores of [undefined, [], [1e200]]) {
    const line = formatEmf({ ...metrics, scores });
    expect(line).not.toContain("Score");
    expect(parseEmf(line)).toEqual(metrics);
  }
  expect(formatEmf({ ...metrics, scores: [0.5, 1e200] })).toContain('"Score":[0.5]');
  expect(formatEmf({ ...metrics, scores: [0.5] })).not.toContain("NegativeScore");
});

test("more scores than a request may report are no line of a request", () =>
  expect(parseEmf(formatEmf({ ...metrics, scores: Array(21).fill(0.5) }))).toBeUndefined());

test("a thousand labels fit in one directive and 256 KB, and the most frequent ones are counted", () => {
  const labels = new Map(
    Array.from({ length: 1_000 }, (_, at): [string, number] => [`${"ü".repeat(120)}${at}`, at + 1]),
  );
  const line = formatEmf({ ...metrics, labels, scores: [0.5, -0.5] });
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
