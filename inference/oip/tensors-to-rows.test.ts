import { describe, expect, test } from "vitest";
import { Input } from "#model-folder/manifest/manifest.ts";
import type { Tensor } from "./read-tensor.ts";
import { tensorsToRows } from "./tensors-to-rows.ts";

const numeric = [
  { name: "age", type: "integer", min: 0, max: 120 },
  { name: "member", type: "boolean" },
  { name: "share", type: "number", min: 0.1, max: 0.7, required: false },
].map((input) => Input.parse(input));
const categories = [Input.parse({ name: "plan", type: "category", values: ["a", "b"], required: false })];

const tensor = (changes: Partial<Tensor>): Tensor => ({
  name: "age",
  datatype: "FP64",
  shape: [],
  rows: 2,
  width: 1,
  values: [1, 2],
  nested: false,
  ...changes,
});
const matrix = (values: Tensor["values"], changes: Partial<Tensor> = {}): Tensor =>
  tensor({ name: "anything", shape: [3], width: 3, values, ...changes });
const request = (tensors: Tensor[], inputs = numeric) => {
  const result = tensorsToRows(tensors, inputs);
  if ("detail" in result) throw new Error(`${result.pointer} ${result.detail}`);
  return result;
};

describe("one tensor whose columns are all the inputs", () => {
  test("gives a row for each of its rows, with booleans as 1 and 0", () => {
    expect(request([matrix(new Float64Array([30, 1, 0.5, 31, 0, 0.25]))]).rows).toEqual([
      { age: 30, member: true, share: 0.5 },
      { age: 31, member: false, share: 0.25 },
    ]);
  });

  test("may have any numeric datatype", () => {
    expect(request([matrix([30, 1, 0, 31, 0, 0], { datatype: "INT16" })]).rows).toEqual([
      { age: 30, member: true, share: 0 },
      { age: 31, member: false, share: 0 },
    ]);
  });

  test("has pointers for flat and for nested data", () => {
    const flat = request([matrix([30, 1, 0.5, 31, 0, 0.25])]);
    expect(flat.pointer({ row: 1, input: "share", detail: "" })).toBe("/inputs/0/data/5");
    const nested = request([matrix([30, 1, 0.5, 31, 0, 0.25], { nested: true })]);
    expect(nested.pointer({ row: 1, input: "share", detail: "" })).toBe("/inputs/0/data/1/2");
  });

  test("cannot hold numbers where an input is text", () => {
    const inputs = [...numeric.slice(0, 2), ...categories];
    expect(tensorsToRows([matrix([30, 1, 0.5, 31, 0, 0.25])], inputs)).toEqual({
      pointer: "/inputs/0/datatype",
      detail: "FP64 cannot hold plan: send BYTES",
    });
  });
});

describe("a missing value", () => {
  test("is NaN among floats for an optional input", () => {
    const values = new Float32Array([30, 1, Number.NaN, 31, 0, 0.25]);
    expect(request([matrix(values, { datatype: "FP32" })]).rows).toEqual([
      { age: 30, member: true, share: null },
      { age: 31, member: false, share: 0.25 },
    ]);
  });

  test("stays NaN for a required input, so that the model refuses it", () => {
    const values = new Float64Array([Number.NaN, 1, 0.5, 31, 0, 0.25]);
    expect(request([matrix(values)]).rows).toMatchObject([{ age: Number.NaN }, { age: 31 }]);
  });

  test("is the empty text among categories for an optional input", () => {
    const plan = tensor({ name: "plan", datatype: "BYTES", values: ["", "b"] });
    expect(request([plan], categories).rows).toEqual([{ plan: null }, { plan: "b" }]);
  });
});

test("a limit of the range is accepted as its 32-bit float", () => {
  // 0.1 and 0.7 are no 32-bit floats: the nearest are 0.10000000149 and 0.69999998808.
  expect(Math.fround(0.1)).toBeGreaterThan(0.1);
  const values = new Float32Array([30, 1, 0.1, 31, 0, 0.7]);
  expect(request([matrix(values, { datatype: "FP32" })]).rows).toMatchObject([
    { share: 0.1 },
    { share: 0.7 },
  ]);
});

test("rows have only the request's values, even for an input named like an inherited property", () => {
  const inputs = [Input.parse({ name: "constructor", type: "integer", min: 0, max: 9 })];
  const { rows } = request([tensor({ name: "constructor" })], inputs);
  expect(rows).toEqual([{ constructor: 1 }, { constructor: 2 }]);
});
