import { describe, expect, test } from "vitest";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { parseHoldout } from "./parse-holdout.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const inputs = [{ name: "x", type: "number", min: 0, max: 9 }];
const parse = (task: Manifest["task"], output: object, csv: string, changes: object = {}) =>
  parseHoldout(new TextEncoder().encode(csv), buildManifest({ task, output, gates, inputs, ...changes }));
const listProblems = (...given: Parameters<typeof parse>) => {
  try {
    parse(...given);
  } catch (error) {
    if (error instanceof ManifestInvalid)
      return error.problems.map(({ line, path, message }) => [line, path, message]);
    throw error;
  }
  return [];
};
const rows = [{ x: 1 }, { x: 2 }];

describe("the truth of a task", () => {
  test.each([
    [
      "anomaly",
      { labelOutput: "l", normal: 1, anomaly: -1 },
      "x,label\n1,-1\n2,1\n",
      { labels: ["-1", "1"] },
    ],
    ["clustering", { labelOutput: "l", labels: [0, 1] }, "x,label\n1,0\n2,1\n", { labels: ["0", "1"] }],
    ["multilabel", { labels: ["a", "b"] }, "x,label.b,label.a\n1,1,0\n2,0,0\n", { labelSets: [["b"], []] }],
    [
      "ranking",
      { group: "query" },
      "query,x,label\nq,1,0\nq,2,3\n",
      { relevances: [0, 3], groups: ["q", "q"] },
    ],
  ] as const)("%s", (task, output, csv, truth) => {
    expect(parse(task, output, csv)).toEqual({ task, rows, ...truth });
  });

  test("quantiles have one true value, and so has a value with its deviation", () => {
    const csv = "x,label\n1,5\n2,6.5\n";
    expect(parse("regression", { names: ["lo", "hi"], quantiles: [0.1, 0.9] }, csv)).toEqual({
      task: "quantiles",
      rows,
      values: [5, 6.5],
    });
    expect(parse("regression", { name: "y", deviation: "s" }, csv)).toEqual({
      task: "regression",
      rows,
      values: [{ y: 5 }, { y: 6.5 }],
    });
  });

  test("an input named label moves the truth to truth.label", () => {
    const changes = { inputs: [{ name: "label", type: "number", min: 0, max: 9 }] };
    const csv = "label,truth.label\n1,0\n2,2\n";
    expect(
      parse("ranking", { group: "g" }, `g,${csv.replaceAll("\n", "\nq,").slice(0, -2)}`, changes),
    ).toMatchObject({
      relevances: [0, 2],
      rows: [{ label: 1 }, { label: 2 }],
    });
  });
});

test.each([
  [
    "anomaly",
    { labelOutput: "l" },
    "x,label\n1,outlier\n",
    [2, "label", '"outlier" is not one of the manifest\'s labels'],
  ],
  [
    "multilabel",
    { labels: ["a", "b"] },
    "x,label.a,label.b\n1,0,yes\n",
    [2, "label.b", '"yes" is neither 0 nor 1'],
  ],
  ["ranking", {}, "x,label,group\n1,-1,q\n", [2, "label", '"-1" is not a relevance']],
  ["ranking", {}, "x,label\n1,1\n", [1, "group", "missing column"]],
] as const)("a truth that %s does not know is named with its line", (task, output, csv, problem) => {
  expect(listProblems(task, output, csv)).toEqual([problem]);
});
