import { describe, expect, test } from "vitest";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import type { GivenRow } from "./given-row.ts";
import { interpretPredicted } from "./interpret-predicted.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const read = (task: Manifest["task"], output: object, rows: readonly GivenRow[]) =>
  interpretPredicted(rows, buildManifest({ task, output, gates }), "python.json");

describe("an anomaly", () => {
  const output = { normal: 1, anomaly: -1, labelOutput: "label" };
  test.each([
    ["predict", [1, -1], [{ label: "1" }, { label: "-1" }]],
    ["decision_function", [0.25, -0.5], [{ scores: { score: 0.25 } }, { scores: { score: -0.5 } }]],
    ["both", [{ label: -1, scores: { score: -0.5 } }], [{ label: "-1", scores: { score: -0.5 } }]],
  ])("takes %s", (_, rows, given) => {
    expect(read("anomaly", output, rows)).toEqual(given);
  });
  test("refuses words that the graph does not have, with the ones it has", () => {
    expect(() => read("anomaly", output, ["ok", "fraud"])).toThrow(/Give a label \(1 or -1\), a score/);
  });
});

describe("a decision function of two labels", () => {
  const output = { labels: ["no", "yes"], positive: "yes", scores: "decision" };
  test.each([[[1.5, -2]], [[[1.5], [-2]]]])("has one value per row", (rows) => {
    expect(read("classification", output, rows)).toEqual([{ scores: { yes: 1.5 } }, { scores: { yes: -2 } }]);
  });
});

test("labels without scores are labels, also as numbers and flags", () => {
  const output = { labels: [0, 1], scores: "none", labelOutput: "label" };
  expect(read("classification", output, [1, 0, true])).toEqual([
    { label: "1" },
    { label: "0" },
    { label: "1" },
  ]);
});

describe("several labels", () => {
  const output = { labels: ["sport", "news", "art"] };
  test.each<[string, GivenRow[], object[]]>([
    [
      "predict",
      [
        [1, 0, 1],
        [0, 0, 0],
      ],
      [{ labels: ["sport", "art"] }, { labels: [] }],
    ],
    ["predict_proba", [[0.5, 0, 1]], [{ scores: { sport: 0.5, news: 0, art: 1 } }]],
    ["names in any order", [["art", "sport"], []], [{ labels: ["sport", "art"] }, { labels: [] }]],
    ["objects", [{ labels: ["art", "news"] }], [{ labels: ["news", "art"] }]],
  ])("takes %s", (_, rows, given) => {
    expect(read("multilabel", output, rows)).toEqual(given);
  });
  test("refuses one number per row, with the forms that it takes", () => {
    expect(() => read("multilabel", output, [0.5, 1])).toThrow(
      /row 1 .* task multilabel\. Give a column per value/,
    );
  });
});

describe("several heads", () => {
  const output = {
    heads: [
      { name: "size", labels: ["s", "m"] },
      { name: "kind", labels: [0, 1] },
    ],
  };
  test.each<[string, GivenRow, object]>([
    ["predict", ["m", 1], { heads: { size: { label: "m" }, kind: { label: "1" } } }],
    [
      "predict_proba",
      [
        [0.25, 0.75],
        [1, 0],
      ],
      { heads: { size: { scores: { s: 0.25, m: 0.75 } }, kind: { scores: { 0: 1, 1: 0 } } } },
    ],
    ["one head", { heads: { size: { label: "s" } } }, { heads: { size: { label: "s" } } }],
  ])("take %s", (_, row, given) => {
    expect(read("multioutput", output, [row])).toEqual([given]);
  });
  test("refuse a row of another length", () => {
    expect(() => read("multioutput", output, [["m"]])).toThrow(/the label of each of size, kind/);
  });
});

test("clusters, ranks, deviations and vectors are read in the forms of their libraries", () => {
  const clusters = { labels: [0, 1], labelOutput: "label", distances: "d" };
  expect(read("clustering", clusters, [1, 0])).toEqual([{ label: "1" }, { label: "0" }]);
  expect(read("clustering", clusters, [[2.5, 1]])).toEqual([{ scores: { 0: 2.5, 1: 1 } }]);
  expect(read("ranking", {}, [0.5])).toEqual([{ scores: { score: 0.5 } }]);
  expect(read("regression", { name: "y", deviation: "y_std" }, [3, 4])).toEqual([
    { scores: { y: 3 } },
    { scores: { y: 4 } },
  ]);
  expect(read("embedding", { dimensions: 2 }, [[0.5, 1]])).toEqual([{ tensors: { embedding: [0.5, 1] } }]);
});
