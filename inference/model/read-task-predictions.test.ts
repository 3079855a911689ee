import { expect, test } from "vitest";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { readPredictions } from "./read-predictions.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const read = (task: Manifest["task"], output: object, data: readonly unknown[], rows: number) =>
  readPredictions(buildManifest({ task, output, gates }), 1)(data, rows);
const floats = (...values: number[]) => Float32Array.from(values);

test("an anomaly has the graph's own label, and its score as it is", () => {
  const output = { normal: 1, anomaly: -1, labelOutput: "label" };
  expect(read("anomaly", output, [floats(0.5, -0.25), BigInt64Array.from([1n, -1n])], 2)).toEqual([
    { label: "1", value: 0.5, scores: { score: 0.5 } },
    { label: "-1", value: -0.25, scores: { score: -0.25 } },
  ]);
});

test.each([
  ["low", [0.5, 0.25, 0], ["normal", "normal", "anomaly"]],
  ["high", [0.5, 0.25, 0], ["anomaly", "normal", "normal"]],
])(
  "without a label of the graph, a threshold divides %s scores; at the threshold a row is normal",
  (anomalyIs, scores, labels) => {
    const rows = read("anomaly", { threshold: 0.25, anomalyIs }, [floats(...scores)], 3);
    expect(rows.map(({ label }) => label)).toEqual(labels);
  },
);

test("a cluster is the graph's label, never the greatest of its distances", () => {
  const output = { labels: [0, 1, 2], labelOutput: "label", distances: "scores" };
  expect(read("clustering", output, [Int32Array.from([2]), floats(9, 5, 1)], 1)).toEqual([
    { label: "2", scores: { 0: 9, 1: 5, 2: 1 } },
  ]);
  expect(read("clustering", { labels: ["a", "b"], labelOutput: "label" }, [["b"]], 1)).toEqual([
    { label: "b", scores: {} },
  ]);
});

test.each([
  ["a label that the manifest does not name", [BigInt64Array.from([7n])]],
  ["fewer labels than rows", [BigInt64Array.from([])]],
  ["numbers in place of labels", [floats(1)]],
])("%s is an error of the model, never a prediction", (_, data) => {
  expect(() => read("clustering", { labels: [0, 1], labelOutput: "label" }, data, 1)).toThrow(
    OutputNotFinite,
  );
});

const labels = ["a", "b", "c"];
const twoRows = [
  { labels: ["a", "c"], scores: { a: 0.75, b: 0.5, c: 1 } },
  { labels: [], scores: { a: 0, b: 0.25, c: 0.5 } },
];
test.each([
  ["one matrix [N, labels]", [floats(0.75, 0.5, 1, 0, 0.25, 0.5)]],
  ["one column per label", [floats(0.75, 0), floats(0.5, 0.25), floats(1, 0.5)]],
  [
    "pairs of probabilities per label",
    [floats(0.25, 0.75, 1, 0), floats(0.5, 0.5, 0.75, 0.25), floats(0, 1, 0.5, 0.5)],
  ],
  ["pairs stacked by label [labels, N, 2]", [floats(0.25, 0.75, 1, 0, 0.5, 0.5, 0.75, 0.25, 0, 1, 0.5, 0.5)]],
])("several labels from %s; a probability of exactly 0.5 does not apply", (_, data) => {
  expect(read("multilabel", { labels }, data, 2)).toEqual(twoRows);
});

test("several labels from logits become probabilities, and a decision function stays as it is", () => {
  const [logits] = read("multilabel", { labels, scores: "logits" }, [floats(0, 2, -2)], 1);
  expect(logits?.labels).toEqual(["b"]);
  expect(logits?.scores.a).toBe(0.5);
  expect(logits?.scores.b).toBeCloseTo(0.8807970779778823, 12);
  expect(read("multilabel", { labels, scores: "decision" }, [floats(0, 2, -2)], 1)).toEqual([
    { labels: ["b"], scores: { a: 0, b: 2, c: -2 } },
  ]);
});

test("a label's own threshold takes the place of the common one", () => {
  const output = { labels, threshold: 0.9, thresholds: { b: 0.25 } };
  expect(read("multilabel", output, [floats(0.75, 0.5, 1)], 1)[0]?.labels).toEqual(["b", "c"]);
});

test("a value with its deviation has both by their names", () => {
  const output = { name: "y", deviation: "y_std", graphOutputs: ["mean", "std"] };
  expect(read("regression", output, [floats(1.5, 2), floats(0.25, 0.5)], 2)).toEqual([
    { scores: { y: 1.5, y_std: 0.25 } },
    { scores: { y: 2, y_std: 0.5 } },
  ]);
});

test("a ranking has the score of each row", () => {
  expect(read("ranking", {}, [floats(1.5)], 1)).toEqual([{ value: 1.5, scores: { score: 1.5 } }]);
});

test("probabilities of several labels and of clusters end at 1, although a sum of float32 ends above it", () => {
  const above = floats(1.0000001192092896, 0, 0.5);
  expect(read("multilabel", { labels }, [above], 1)).toEqual([
    { labels: ["a"], scores: { a: 1, b: 0, c: 0.5 } },
  ]);
  const mixture = { labels: [0, 1, 2], labelOutput: "label", probabilities: "p" };
  expect(read("clustering", mixture, [BigInt64Array.from([0n]), above], 1)).toEqual([
    { label: "0", scores: { 0: 1, 1: 0, 2: 0.5 } },
  ]);
});
