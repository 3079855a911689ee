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
  ["whole numbers", BigInt64Array.of(1n, 0n), 1],
  ["nothing", undefined, 1],
  ["NaN", Float32Array.of(Number.NaN, 0), 1],
  ["infinity", Float32Array.of(0, Number.POSITIVE_INFINITY), 1],
])("%s from a model are an error, never a prediction", (_, data, rows) => {
  expect(() => read([data], rows)).toThrow(OutputNotFinite);
});

const twoLabels = (output: Record<string, unknown>) => buildManifest({ output });

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
    gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
  });
  expect(readPredictions(manifest, width)(data, 2)).toEqual([
    { scores: { east: 1, north: 2 } },
    { scores: { east: 3, north: 4 } },
  ]);
});
