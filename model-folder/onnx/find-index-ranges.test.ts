import { describe, expect, test } from "vitest";
import { floatType, type Graph, int64Type, type Node, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { inspectOnnx } from "./inspect-onnx.ts";

const table = { name: "T", type: floatType, dims: [50, 1], float: Array<number>(50).fill(1) };
const small = { name: "S", type: floatType, dims: [8, 1], float: Array<number>(8).fill(1) };
const ints = (name: string, values: number[]) => ({ name, dims: [values.length], int64: values });
const id = { name: "id", type: int64Type, shape: ["N", 1] };
const matrix = { name: "X", type: floatType, shape: ["N", 3] };
const findRanges = (
  nodes: readonly Node[],
  inputs: Graph["inputs"] = [id],
  initializers: Graph["initializers"] = [],
) =>
  inspectOnnx(
    writeOnnx({ graph: { nodes, inputs, initializers: [table, small, ...initializers] } }),
  ).indexRanges.map(({ input, column, size }) => `${input}[${column}] < ${size}`);
const node = (op: string, inputs: string[], output: string, attributes: Node["attributes"] = []): Node => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
const axis = (int: number) => [{ name: "axis", int }];

describe("the rows of a table limit an input that selects them", () => {
  test("at once, or after operators that keep its values", () => {
    expect(findRanges([node("Gather", ["T", "id"], "y")])).toEqual(["id[0] < 50"]);
    expect(
      findRanges([
        node("Cast", ["id"], "a"),
        node("Squeeze", ["a"], "b"),
        node("Identity", ["b"], "c"),
        node("Gather", ["T", "c"], "y"),
      ]),
    ).toEqual(["id[0] < 50"]);
  });

  test("by the smaller one of two tables", () => {
    expect(findRanges([node("Gather", ["T", "id"], "y"), node("Gather", ["S", "id"], "z")])).toEqual([
      "id[0] < 8",
    ]);
  });

  test("along the axis that is selected from", () => {
    expect(findRanges([node("Gather", ["T", "id"], "y", axis(1))])).toEqual(["id[0] < 1"]);
    expect(findRanges([node("GatherElements", ["T", "id"], "y", axis(0))])).toEqual(["id[0] < 50"]);
  });

  test("column by column of a matrix", () => {
    expect(
      findRanges(
        [
          node("Slice", ["X", "one", "two", "axes"], "a"),
          node("Cast", ["a"], "b"),
          node("Gather", ["T", "b"], "y"),
          node("Gather", ["X", "two"], "c", axis(1)),
          node("Gather", ["S", "c"], "z"),
        ],
        [matrix],
        [ints("one", [1]), ints("two", [2]), ints("axes", [1])],
      ),
    ).toEqual(["X[1] < 50", "X[2] < 8"]);
    const split: Node = { op: "Split", inputs: ["X"], outputs: ["p", "q", "r"], attributes: axis(1) };
    expect(findRanges([split, node("Gather", ["S", "r"], "y")], [matrix])).toEqual(["X[2] < 8"]);
  });

  test("not after arithmetic, and not where columns may have changed places", () => {
    expect(findRanges([node("Abs", ["id"], "a"), node("Gather", ["T", "a"], "y")])).toEqual([]);
    expect(
      findRanges(
        [
          node("Reshape", ["X", "shape"], "a"),
          node("Gather", ["a", "one"], "b", axis(1)),
          node("Gather", ["T", "b"], "y"),
        ],
        [matrix],
        [ints("one", [1]), ints("shape", [3, -1])],
      ),
    ).toEqual([]);
  });
});
