import { expect, test } from "vitest";
import { churnManifest } from "../test/onnx/churn-folder.ts";
import { OutputNotFinite, readPredictions } from "./read-predictions.ts";

const read = readPredictions(churnManifest());

test("the label is that of the highest score, the first of equals", () => {
  const predictions = read(Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.5, 0.5), 3);
  expect(predictions.map(({ label }) => label)).toEqual(["stay", "churn", "stay"]);
  expect(predictions[0]?.scores).toEqual({ stay: 0.9, churn: 0.1 });
});

test("the band is low below the first limit and high from the second on", () => {
  const scores = [0, 0.399, 0.4, 0.699, 0.7, 1];
  const predictions = read(Float64Array.from(scores.flatMap((score) => [1 - score, score])), scores.length);
  expect(predictions.map(({ band }) => band)).toEqual(["low", "low", "medium", "medium", "high", "high"]);
});

test.each([
  ["fewer numbers than belong", Float32Array.of(1), 1],
  ["more numbers than belong", Float32Array.of(1, 0, 1), 1],
  ["whole numbers", BigInt64Array.of(1n, 0n), 1],
  ["nothing", undefined, 1],
  ["NaN", Float32Array.of(Number.NaN, 0), 1],
  ["infinity", Float32Array.of(0, Number.POSITIVE_INFINITY), 1],
])("%s from a model are an error and never an answer", (_, data, rows) => {
  expect(() => read(data, rows)).toThrow(OutputNotFinite);
});
