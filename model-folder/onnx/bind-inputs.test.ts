import { describe, expect, test } from "vitest";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { bindInputs } from "./bind-inputs.ts";
import type { ElementType, GraphValue } from "./graph-value.ts";

const { inputs } = buildManifest({
  inputs: [
    { name: "age", type: "integer", min: 0, max: 120 },
    { name: "charge", type: "number", min: 0, max: 100, required: false },
    { name: "plan", type: "category", values: ["a", "b", "c"] },
    { name: "loyal", type: "boolean" },
  ],
});
const tensor = (name: string, type: ElementType, ...shape: (number | null)[]): GraphValue => ({
  name,
  kind: "tensor",
  type,
  shape,
});
const rows = [
  { age: 30, charge: 1.5, plan: "c", loyal: true },
  { age: 40, plan: "a", loyal: false },
];
const encode = (manifestInputs: typeof inputs, graph: GraphValue[], testRows: unknown[] = rows) => {
  const binding = bindInputs({ inputs: manifestInputs }, graph);
  if (binding.status === "mismatched") return binding.mismatches.map(({ message }) => message);
  const result = encodeRows(binding.columns)(testRows);
  return result.status === "encoded" ? result.feeds : result.problems;
};

describe("a graph with one matrix", () => {
  test.each([4, null])(
    "gets the columns in the manifest's order and categories as their index (width %s)",
    (width) => {
      expect(encode(inputs, [tensor("float_input", "float32", null, width)])).toEqual([
        {
          name: "float_input",
          type: "float32",
          data: Float32Array.of(30, 1.5, 2, 1, 40, Number.NaN, 0, 0),
          dims: [2, 4],
        },
      ]);
    },
  );

  test("of text gets categories unchanged and integers as decimal text", () => {
    const text = [inputs[0], inputs[2]].flatMap((input) => input ?? []);
    const testRows = [{ age: 30, plan: "c" }];
    expect(encode(text, [tensor("string_input", "string", null, 2)], testRows)).toMatchObject([
      { data: ["30", "c"], dims: [1, 2] },
    ]);
  });

  test("of another width is refused with both numbers of columns", () => {
    expect(encode(inputs, [tensor("X", "float32", null, 5)])).toEqual([
      "the graph takes 5 columns (X: 5), the manifest names 4 inputs",
    ]);
  });

  test("refuses an unknown category, because it has no number", () => {
    const testRows = [{ ...rows[0], plan: "d" }];
    expect(encode(inputs, [tensor("X", "float32", null, 4)], testRows)).toEqual([
      { row: 0, input: "plan", detail: 'must be one of "a", "b", "c"' },
    ]);
    const mapped = inputs.map((input) =>
      input.type === "category" ? { ...input, unknown: "map" as const } : input,
    );
    expect(encode(mapped, [tensor("X", "float32", null, 4)])).toEqual([
      expect.stringContaining("an unknown category has no value"),
    ]);
  });

  test("of integers refuses an optional input", () => {
    expect(encode(inputs, [tensor("X", "int64", null, 4)])).toEqual([
      expect.stringContaining("takes charge (in X) as int64"),
    ]);
  });

  test("of a fixed number of rows is bound; of more rows than a request may have it is refused", () => {
    expect(encode(inputs, [tensor("X", "float32", 1, 4)])).toMatchObject([{ dims: [2, 4] }]);
    expect(encode(inputs, [tensor("X", "float32", 10_001, 4)])).toEqual([
      "the graph takes exactly 10001 rows (limit 1 to 10000)",
    ]);
  });

  test("beside an input of another fixed number of rows is refused", () => {
    expect(encode(inputs, [tensor("X", "float32", 4, 2), tensor("Z", "float32", 8, 2)])).toEqual([
      "the graph's inputs take different numbers of rows (X: 4, Z: 8)",
    ]);
  });
});

test("a graph with a matrix of numbers and one of text gets the columns in the manifest's order", () => {
  const ordered = [inputs[0], inputs[1], inputs[2]].flatMap((input) => input ?? []);
  const testRows = [{ age: 30, charge: 1, plan: "b" }];
  expect(
    encode(ordered, [tensor("numbers", "float32", null, 2), tensor("words", "string", null, 1)], testRows),
  ).toMatchObject([
    { name: "numbers", data: Float32Array.of(30, 1), dims: [1, 2] },
    { name: "words", data: ["b"], dims: [1, 1] },
  ]);
});

test("a graph that names one of the manifest's inputs is bound only by name", () => {
  expect(encode(inputs, [tensor("age", "float32", null, 1), tensor("X", "float32", null, 3)])).toContain(
    "the graph has no input charge",
  );
});
