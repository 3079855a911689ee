import { expect, test } from "vitest";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { findOutput } from "./find-output.ts";
import type { ElementType, GraphValue } from "./graph-value.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const classify = (output: Record<string, unknown>) => buildManifest({ output, gates });
const value = (name: string, type: ElementType, ...shape: (number | string)[]): GraphValue => ({
  name,
  kind: "tensor",
  type,
  shape,
});

test("a label output is found beside the scores, and alone for labels without scores", () => {
  const outputs = [value("label", "int64", "N"), value("probabilities", "float32", "N", 3)];
  const labels = { labels: [0, 1, 2], labelOutput: "label" };
  expect(findOutput(classify(labels), outputs)).toEqual({
    status: "found",
    names: ["probabilities"],
    width: 3,
    label: "label",
  });
  expect(findOutput(classify({ ...labels, scores: "none" }), outputs)).toEqual({
    status: "found",
    names: [],
    width: 0,
    label: "label",
  });
  // The probabilities of a ZipMap do not matter where nobody reads them.
  expect(
    findOutput(classify({ ...labels, scores: "none" }), [
      value("label", "string", "N", 1),
      { name: "probabilities", kind: "sequence" },
    ]),
  ).toMatchObject({ status: "found", label: "label" });
});

test.each([
  ["is missing", []],
  ["holds floats", [value("label", "float32", "N")]],
  ["holds several values per row", [value("label", "int64", "N", 3)]],
])("a label output that %s is named with the outputs that are there", (_, outputs) => {
  const found = findOutput(classify({ labels: [0, 1], scores: "none", labelOutput: "label" }), outputs);
  expect(found).toMatchObject({
    status: "missing",
    message: expect.stringContaining("no output label with one label per row"),
  });
});

test.each([
  [value("scores", "float32", "N", 1)],
  [value("scores", "float32", "N", 2)],
  [value("probabilities", "float64", "N")],
])("the decision value of two labels is found in %j", (output) => {
  const manifest = classify({ labels: ["no", "yes"], positive: "yes", scores: "decision" });
  expect(findOutput(manifest, [value("label", "string", "N"), output])).toEqual({
    status: "found",
    names: [output.name],
    width: 1,
  });
});

test("a regression's values can be integers, but floats come first", () => {
  const regression = buildManifest({ task: "regression", output: { name: "y" }, gates });
  expect(findOutput(regression, [value("yhat", "int64", "N", 1)])).toMatchObject({ names: ["yhat"] });
  expect(
    findOutput(regression, [value("label", "int64", "N", 1), value("scores", "float32", "N", 1)]),
  ).toMatchObject({ names: ["scores"] });
});
