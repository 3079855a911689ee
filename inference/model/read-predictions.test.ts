import { expect, test } from "vitest";
import { buildManifest, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { readPredictions } from "./read-predictions.ts";

const read = readPredictions(readChurnManifest(), 2);

test("the label has the highest score; the first of equal scores wins", () => {
  const predictions = read([Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.5, 0.5)], 3);
  expect(predictions.map(({ label }) => label)).toEqual(["stay", "churn", "stay"]);
  expect(predictions[0]?.scores).toEqual({ stay: 0.9, churn: 0.1 });
});

test("the band is low below the first limit and high from the second one on", () => {
  const scores = [0, 0.399, 0.4, 0.699, 0.7, 1];
  const predictions = read([Float64Array.from(scores.flatMap((score) => [1 - score, score]))], scores.length);
  expect(predictions.map(({ band }) => band)).toEqual(["low", "low", "medium", "medium", "high", "high"]);
});

test.each([
  ["fewer numbers than belong", Float32Array.of(1), 1],
  ["more numbers than belong", Float32Array.of(1, 0, 1), 1],
  ["text", ["1", "0"], 1],
  ["an integer that JSON cannot hold", BigInt64Array.of(2n ** 53n, 0n), 1],
  ["nothing", undefined, 1],
  ["NaN", Float32Array.of(Number.NaN, 0), 1],
  ["infinity", Float32Array.of(0, Number.POSITIVE_INFINITY), 1],
])("%s from a model are an error, never a prediction", (_, data, rows) => {
  expect(() => read([data], rows)).toThrow(OutputNotFinite);
});

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const twoLabels = (output: Record<string, unknown>) => buildManifest({ output, gates });

test("one number per row is the second label's probability", () => {
  const [row] = readPredictions(twoLabels({ labels: [0, 1], positive: 1 }), 1)([Float32Array.of(0.75)], 1);
  expect(row).toEqual({ label: "1", scores: { 0: 0.25, 1: 0.75 } });
});

test("logits of any size become probabilities", () => {
  const manifest = twoLabels({ labels: ["no", "yes"], positive: "yes", scores: "logits" });
  const [sure, even] = readPredictions(manifest, 2)([Float64Array.of(-1_000, 1_000, 3, 3)], 2);
  expect(sure).toEqual({ label: "yes", scores: { no: 0, yes: 1 } });
  expect(even).toEqual({ label: "no", scores: { no: 0.5, yes: 0.5 } });
  const [single] = readPredictions(manifest, 1)([Float64Array.of(0)], 1);
  expect(single?.scores).toEqual({ no: 0.5, yes: 0.5 });
});

test.each([
  ["one tensor row by row", 2, [Float32Array.of(1, 2, 3, 4)]],
  ["a tensor each", 1, [Float32Array.of(1, 3), Float32Array.of(2, 4)]],
])("several values are read by their names from %s", (_, width, data) => {
  const manifest = buildManifest({
    task: "regression",
    output: { names: ["east", "north"] },
    gates,
  });
  expect(readPredictions(manifest, width)(data, 2)).toEqual([
    { scores: { east: 1, north: 2 } },
    { scores: { east: 3, north: 4 } },
  ]);
});

test.each([
  ["float64", Float64Array.of(0, 7)],
  ["int64", BigInt64Array.of(0n, 7n)],
  ["uint64", BigUint64Array.of(0n, 7n)],
  ["int32", Int32Array.of(0, 7)],
  ["uint8", Uint8Array.of(0, 7)],
])("values of the type %s are numbers", (_, data) => {
  const manifest = buildManifest({
    task: "regression",
    output: { name: "minutes" },
    gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
  });
  expect(readPredictions(manifest, 1)([data], 2).map(({ value }) => value)).toEqual([0, 7]);
});

test("probabilities that rounding put beside 0 and 1 are clamped; what is no share stays visible", () => {
  const manifest = twoLabels({ labels: ["no", "yes"] });
  const [rounded, raw] = readPredictions(manifest, 2)([Float32Array.of(1.0000001, -1e-7, 3, -2)], 2);
  expect(rounded).toEqual({ label: "no", scores: { no: 1, yes: 0 } });
  expect(raw).toEqual({ label: "no", scores: { no: 3, yes: -2 } });
  const [single] = readPredictions(twoLabels({ labels: [0, 1] }), 1)([Float32Array.of(1.0000001)], 1);
  expect(single).toEqual({ label: "1", scores: { 0: 0, 1: 1 } });
});

test.each([
  ["text", ["a", "b"], [["b", "a"]]],
  ["64-bit integers", [3, 4], [BigInt64Array.of(4n, 3n)]],
  ["32-bit integers", [3, 4], [Int32Array.of(4, 3)]],
])("labels without scores come from the graph's label output: %s", (_, labels, data) => {
  const manifest = twoLabels({ labels, scores: "none", labelOutput: "label" });
  expect(readPredictions(manifest, 0)(data, 2)).toEqual([
    { label: String(labels[1]), scores: {} },
    { label: String(labels[0]), scores: {} },
  ]);
});

test("the graph's own label wins over the highest score, whose values stay", () => {
  const manifest = twoLabels({ labels: ["no", "yes"], labelOutput: "label" });
  expect(readPredictions(manifest, 2)([Float64Array.of(0.75, 0.25), ["yes"]], 1)).toEqual([
    { label: "yes", scores: { no: 0.75, yes: 0.25 } },
  ]);
});

test("a decision function of two labels is one raw value of the positive label, never a probability", () => {
  const manifest = twoLabels({ labels: ["no", "yes"], positive: "yes", scores: "decision" });
  expect(readPredictions(manifest, 1)([Float32Array.of(2.5, -1.5, 0)], 3)).toEqual([
    { label: "yes", scores: { yes: 2.5 } },
    { label: "no", scores: { yes: -1.5 } },
    { label: "no", scores: { yes: 0 } },
  ]);
  // A column for each label: only the positive one's is served.
  expect(readPredictions(manifest, 1)([Float32Array.of(-2.5, 2.5)], 1)).toEqual([
    { label: "yes", scores: { yes: 2.5 } },
  ]);
});

test.each([
  ["a label that the manifest does not list", [["maybe"]]],
  ["fewer labels than rows", [[]]],
  ["floats in place of labels", [Float32Array.of(1)]],
  ["nothing", [undefined]],
])("%s from a label output are an error", (_, data) => {
  const manifest = twoLabels({ labels: ["no", "yes"], scores: "none", labelOutput: "label" });
  expect(() => readPredictions(manifest, 0)(data, 1)).toThrow(OutputNotFinite);
});
