import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readChurnFiles } from "#test/support/onnx/churn-folder.ts";
import { floatType, type Graph, int64Type, type Node, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { inspectOnnx } from "./inspect-onnx.ts";

const x = { name: "x", type: floatType, shape: ["N", 4] };
const y = { name: "y", type: floatType, shape: ["N", 4] };
const graphOf = (nodes: readonly Node[], initializers: Graph["initializers"] = []): Graph => ({
  nodes,
  initializers,
  inputs: [x],
  outputs: [y],
});
const findUnbounded = (graph: Graph, opsets = {}): string | undefined =>
  inspectOnnx(writeOnnx({ graph, opsets: { "": 17, "com.microsoft": 1, ...opsets } })).unbounded;
const int = (name: string, value: number) => ({ name, int: value });
const two = { name: "two", dims: [2], int64: [2, 2] };
const branch: Graph = {
  nodes: [{ op: "Loop", inputs: ["t", "", "x"], outputs: ["z"], attributes: [] }],
  outputs: [{ name: "z", type: floatType, shape: ["N", 4] }],
};

describe("a run is bounded by its rows with", () => {
  test.each<[string, Graph]>([
    ["no shapes at all", graphOf([{ op: "Sin", inputs: ["x"], outputs: ["y"] }])],
    ["a stored shape", graphOf([{ op: "Tile", inputs: ["x", "two"], outputs: ["y"] }], [two])],
    [
      "a constant of a node",
      graphOf([
        { op: "Constant", outputs: ["k"], attributes: [{ name: "value", tensor: two }] },
        { op: "Expand", inputs: ["x", "k"], outputs: ["y"] },
      ]),
    ],
    [
      "sizes selected from the request's shape",
      graphOf(
        [
          { op: "Shape", inputs: ["x"], outputs: ["s"] },
          { op: "Gather", inputs: ["s", "two"], outputs: ["g"] },
          { op: "Concat", inputs: ["g", "two"], outputs: ["c"], attributes: [int("axis", 0)] },
          { op: "ConstantOfShape", inputs: ["c"], outputs: ["y"] },
        ],
        [two],
      ),
    ],
    [
      "an optimiser's operator",
      graphOf([{ op: "Gelu", domain: "com.microsoft", inputs: ["x"], outputs: ["y"] }]),
    ],
  ])("%s", (_, graph) => {
    expect(findUnbounded(graph)).toBeUndefined();
  });

  test("the table models of this repository", () => {
    expect(inspectOnnx(readChurnFiles().get("model.onnx") ?? new Uint8Array()).unbounded).toBeUndefined();
    const transit = readFileSync(new URL("../../models/transit-time/model.onnx", import.meta.url));
    expect(inspectOnnx(transit).unbounded).toBeUndefined();
  });
});

describe("a run is unbounded with", () => {
  test.each<[string, Graph, string]>([
    ["a loop", graphOf([{ op: "Loop", inputs: ["t", "", "x"], outputs: ["y"] }]), "Loop"],
    ["a scan", graphOf([{ op: "Scan", inputs: ["x"], outputs: ["y"] }]), "Scan"],
    [
      "a branch that contains a loop",
      graphOf([
        { op: "If", inputs: ["c"], outputs: ["y"], attributes: [{ name: "then_branch", graph: branch }] },
      ]),
      "Loop",
    ],
    [
      "the indices of non-zero values",
      graphOf([{ op: "NonZero", inputs: ["x"], outputs: ["y"] }]),
      "NonZero",
    ],
    ["a range", graphOf([{ op: "Range", inputs: ["x", "x", "x"], outputs: ["y"] }]), "Range"],
    [
      "a size from a value of the request",
      graphOf([
        { op: "Cast", inputs: ["x"], outputs: ["n"], attributes: [int("to", int64Type)] },
        { op: "ConstantOfShape", inputs: ["n"], outputs: ["y"] },
      ]),
      "ConstantOfShape",
    ],
    [
      "sizes multiplied with each other",
      graphOf([
        { op: "Shape", inputs: ["x"], outputs: ["s"] },
        { op: "Mul", inputs: ["s", "s"], outputs: ["m"] },
        { op: "Expand", inputs: ["x", "m"], outputs: ["y"] },
      ]),
      "Expand",
    ],
    [
      "a size that a value of the request selects",
      graphOf(
        [
          { op: "Cast", inputs: ["x"], outputs: ["n"], attributes: [int("to", int64Type)] },
          { op: "Gather", inputs: ["two", "n"], outputs: ["g"] },
          { op: "Tile", inputs: ["x", "g"], outputs: ["y"] },
        ],
        [two],
      ),
      "Tile",
    ],
    [
      "an unknown operator of Microsoft's",
      graphOf([{ op: "BeamSearch", domain: "com.microsoft", inputs: ["x"], outputs: ["y"] }]),
      "com.microsoft.BeamSearch",
    ],
    [
      "an operator under the other name of ONNX's domain",
      graphOf([{ op: "Unique", domain: "ai.onnx", inputs: ["x"], outputs: ["y"] }]),
      "Unique",
    ],
  ])("%s", (_, graph, operator) => {
    expect(findUnbounded(graph)).toBe(operator);
  });
});
