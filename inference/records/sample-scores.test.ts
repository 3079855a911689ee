import { expect, test } from "vitest";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { sampleScores } from "./sample-scores.ts";

const churn = {
  task: "classification",
  output: { labels: ["stay", "churn"], positive: "churn", scores: "probabilities" },
} as unknown as Manifest;
const predict = (share: number): Prediction => ({
  label: "stay",
  scores: { stay: 1 - share, churn: share },
});

test("each row's score is reported, of the positive label or of the predicted one", () => {
  const rows = [predict(0.25), predict(0.75)];
  expect(sampleScores(churn)(rows)).toEqual([0.25, 0.75]);
  const anyLabel = { task: "classification", output: { ...churn.output, positive: undefined } } as Manifest;
  expect(sampleScores(anyLabel)(rows)).toEqual([0.75, 0.25]);
});

test("of many rows twenty are read, evenly spaced from first to last", () => {
  const read: number[] = [];
  const rows = new Proxy(
    Array.from({ length: 10_000 }, (_, row) => predict(row / 10_000)),
    {
      get: (all, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) read.push(Number(key));
        return Reflect.get(all, key);
      },
    },
  );
  const scores = sampleScores(churn)(rows);
  expect(read).toEqual(Array.from({ length: 20 }, (_, index) => 250 + 500 * index));
  expect(scores).toEqual(read.map((row) => row / 10_000));
});

test("every row of up to twenty is read once", () => {
  for (const length of [1, 7, 19, 20])
    expect(sampleScores(churn)(Array.from({ length }, (_, row) => predict(row / 32)))).toEqual(
      Array.from({ length }, (_, row) => row / 32),
    );
});

test("a score is short in a log line, and tiny or large values keep their size", () => {
  const minutes = { task: "regression", output: { name: "minutes" } } as unknown as Manifest;
  const values = [0.123456789, 1.23456789e-12, -98_765_432.1, 0];
  expect(sampleScores(minutes)(values.map((value) => ({ value, scores: { minutes: value } })))).toEqual([
    0.123457, 1.23457e-12, -98_765_400, 0,
  ]);
});

test("a label that every object inherits has only its own score", () => {
  const hostile = { task: "classification", output: { labels: ["toString"], scores: "probabilities" } };
  const read = sampleScores(hostile as unknown as Manifest);
  expect(
    read([{ label: "toString", scores: { toString: 0.5 } as unknown as Record<string, number> }]),
  ).toEqual([0.5]);
  expect(read([{ label: "toString", scores: {} }])).toEqual([]);
});

test("a model without a score reports none", () => {
  const labelsAlone = { task: "classification", output: { labels: ["a"], scores: "none" } };
  expect(sampleScores(labelsAlone as unknown as Manifest)([{ label: "a", scores: {} }])).toEqual([]);
});
