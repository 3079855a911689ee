import { expect, test } from "vitest";
import { findReportedScore } from "./find-reported-score.ts";
import type { Manifest } from "./manifest.ts";

const find = (task: Manifest["task"], output: object) => findReportedScore({ task, output } as Manifest);
const labels = { labels: ["stay", "churn"], scores: "probabilities" };

test.each([
  [
    "a positive label's probability",
    "classification",
    { ...labels, positive: "churn" },
    ["label", "churn", "probability"],
  ],
  ["the predicted label's probability", "classification", labels, ["predicted label", null, "probability"]],
  [
    "logits, which become probabilities",
    "classification",
    { ...labels, scores: "logits" },
    ["predicted label", null, "probability"],
  ],
  [
    "a decision function",
    "classification",
    { ...labels, positive: "churn", scores: "decision" },
    ["label", "churn", "decision"],
  ],
  ["a regression's value", "regression", { name: "minutes", unit: "min" }, ["value", "minutes", "value"]],
  [
    "a value, not its deviation",
    "regression",
    { name: "minutes", deviation: "sd" },
    ["value", "minutes", "value"],
  ],
  ["an anomaly's score", "anomaly", { name: "score" }, ["value", "score", "value"]],
  ["a ranking's score", "ranking", { name: "relevance" }, ["value", "relevance", "value"]],
  [
    "the distance to a row's cluster",
    "clustering",
    { labels: ["a"], distances: "d" },
    ["predicted label", null, "distance"],
  ],
  [
    "a cluster's probability",
    "clustering",
    { labels: ["a"], probabilities: "p" },
    ["predicted label", null, "probability"],
  ],
] as const)("the score is %s", (_, task, output, [of, name, scale]) => {
  expect(find(task, output)).toEqual({ of, name, scale, unit: "unit" in output ? output.unit : null });
});

test.each([
  ["labels alone", "classification", { ...labels, scores: "none" }],
  ["several values", "regression", { names: ["low", "high"], quantiles: [0.1, 0.9] }],
  ["clusters alone", "clustering", { labels: ["a"] }],
  ["several labels of a row", "multilabel", labels],
  ["several classifications", "multioutput", { heads: [] }],
  ["vectors", "embedding", { name: "vector" }],
  ["entities", "entities", { labels: ["O"] }],
  ["tensors", "tensors", { tensors: [] }],
] as const)("%s have no score", (_, task, output) => expect(find(task, output)).toBeUndefined());
