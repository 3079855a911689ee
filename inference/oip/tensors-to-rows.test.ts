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
  rank: 1,
  rows: 2,
  width: 1,
  values: [1, 2],
  nested: false,
  ...changes,
});
const matrix = (values: Tensor["values"], changes: Partial<Tensor> = {}): Tensor =>
  tensor({ name: "anything", rank: 2, width: 3, values, ...changes });
const question = (tensors: Tensor[], inputs = numeric) => {
  const found = tensorsToRows(tensors, inputs);
  if ("detail" in found) throw new Error(`${found.pointer} ${found.detail}`);
  return found;
};

describe("one tensor whose columns are all the inputs", () => {
  test("gives a row for each of its rows, with truths as 1 and 0", () => {
    expect(question([matrix(new Float64Array([30, 1, 0.5, 31, 0, 0.25]))]).rows).toEqual([
      { age: 30, member: true, share: 0.5 },
      { age: 31, member: false, share: 0.25 },
    ]);
  });

  test("may be of any numeric datatype", () => {
    expect(question([matrix([30, 1, 0, 31, 0, 0], { datatype: "INT16" })]).rows).toEqual([
      { age: 30, member: true, share: 0 },
      { age: 31, member: false, share: 0 },
    ]);
  });

  test("is pointed into as its data lie", () => {
    const flat = question([matrix([30, 1, 0.5, 31, 0, 0.25])]);
    expect(flat.pointer({ row: 1, input: "share", detail: "" })).toBe("/inputs/0/data/5");
    const nested = question([matrix([30, 1, 0.5, 31, 0, 0.25], { nested: true })]);
    expect(nested.pointer({ row: 1, input: "share", detail: "" })).toBe("/inputs/0/data/1/2");
  });

  test("cannot hold numbers where an input is text", () => {
    const inputs = [...numeric.slice(0, 2), ...categories];
    expect(tensorsToRows([matrix([30, 1, 0.5, 31, 0, 0.25])], inputs)).toEqual({
      pointer: "/inputs/0/datatype",
      detail: "FP64 cannot hold plan, which is BYTES",
    });
  });
});

describe("a missing value", () => {
  test("is NaN among floats where the input may be missing", () => {
    const values = new Float32Array([30, 1, Number.NaN, 31, 0, 0.25]);
    expect(question([matrix(values, { datatype: "FP32" })]).rows).toEqual([
      { age: 30, member: true, share: null },
      { age: 31, member: false, share: 0.25 },
    ]);
  });

  test("stays NaN where the input is required, for the model to refuse", () => {
    const values = new Float64Array([Number.NaN, 1, 0.5, 31, 0, 0.25]);
    expect(question([matrix(values)]).rows).toMatchObject([{ age: Number.NaN }, { age: 31 }]);
  });

  test("is an empty text among categories where the input may be missing", () => {
    const plan = tensor({ name: "plan", datatype: "BYTES", values: ["", "b"] });
    expect(question([plan], categories).rows).toEqual([{ plan: null }, { plan: "b" }]);
  });
});

test("a limit of the range is not missed by its own 32-bit float", () => {
  // 0.1 and 0.7 are no 32-bit floats: the nearest are 0.10000000149 and 0.69999998808.
  expect(Math.fround(0.1)).toBeGreaterThan(0.1);
  const values = new Float32Array([30, 1, 0.1, 31, 0, 0.7]);
  expect(question([matrix(values, { datatype: "FP32" })]).rows).toMatchObject([
    { share: 0.1 },
    { share: 0.7 },
  ]);
});

test("rows hold nothing but what came, also where an input has a name that every object knows", () => {
  const inputs = [Input.parse({ name: "constructor", type: "integer", min: 0, max: 9 })];
  const { rows } = question([tensor({ name: "constructor" })], inputs);
  expect(rows).toEqual([{ constructor: 1 }, { constructor: 2 }]);
});
