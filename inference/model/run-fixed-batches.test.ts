import { describe, expect, test } from "vitest";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { smallModels } from "#test/support/onnx/small-models.ts";
import { floatType, type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { loadModel } from "./load-model.ts";
import { openSession } from "./session.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const manifest = buildManifest({
  name: "tiny",
  task: "regression",
  inputs: [
    { name: "a", type: "number", min: -1_000, max: 1_000 },
    { name: "b", type: "number", min: -1_000, max: 1_000 },
  ],
  output: { names: ["c", "d"] },
  gates,
});
const graph = (rows: number | string): Graph => ({
  nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
  inputs: [{ name: "x", type: floatType, shape: [rows, 2] }],
  outputs: [{ name: "y", type: floatType, shape: [rows, 2] }],
});
const load = (rows: number | string) =>
  loadModel({ manifest, model: { bytes: writeOnnx({ graph: graph(rows) }) } });

describe("a graph that takes a fixed number of rows", () => {
  test.each([1, 4, 16])("of %i predicts any number of rows as an open graph does", async (batch) => {
    const [fixed, open] = await Promise.all([load(batch), load("N")]);
    try {
      for (const count of [1, 3, 4, 5, 16, 33, 150]) {
        const rows = Array.from({ length: count }, (_, row) => ({ a: row, b: row / 2 }));
        expect(await fixed.predict(rows)).toEqual(await open.predict(rows));
      }
    } finally {
      await Promise.all([fixed.release(), open.release()]);
    }
  });

  test("fills the last batch with its last row, and never with zeros", async () => {
    // The output of every row is the least value of the batch: a zero would show.
    const bytes = writeOnnx({
      graph: {
        nodes: [
          { op: "ReduceMin", inputs: ["x"], outputs: ["m"] },
          { op: "Expand", inputs: ["m", "s"], outputs: ["y"] },
        ],
        initializers: [{ name: "s", dims: [2], int64: [4, 2] }],
        inputs: [{ name: "x", type: floatType, shape: [4, 2] }],
        outputs: [{ name: "y", type: floatType, shape: [4, 2] }],
      },
    });
    const model = await loadModel({ manifest, model: { bytes } });
    try {
      const [prediction] = await model.predict([{ a: 7, b: 8 }]);
      expect(prediction?.scores).toEqual({ c: 7, d: 7 });
    } finally {
      await model.release();
    }
  });

  test("and texts predicts them in their order", async () => {
    const { manifest: texts, graph: open, tokenizer, rows } = smallModels["texts with a tokenizer"];
    const fix = (values: Graph["inputs"] = []) =>
      values.map((value) => ("shape" in value ? { ...value, shape: [2, ...value.shape.slice(1)] } : value));
    const fixed = { ...open, inputs: fix(open.inputs), outputs: fix(open.outputs) };
    const models = await Promise.all(
      [open, fixed].map((each) =>
        loadModel({ manifest: texts, model: { bytes: writeOnnx({ graph: each }) }, tokenizer }),
      ),
    );
    try {
      const [one, other] = await Promise.all(models.map((model) => model.predict([...rows, ...rows])));
      expect(other).toEqual(one);
    } finally {
      await Promise.all(models.map((model) => model.release()));
    }
  });

  const echo = (input: object, element: string, type: number) =>
    loadModel({
      manifest: buildManifest({
        name: "echo",
        task: "tensors",
        inputs: [{ name: "x", ...input }],
        output: { tensors: [{ name: "y", element, shape: [2, 3] }] },
        gates,
      }),
      model: {
        bytes: writeOnnx({
          graph: {
            nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
            inputs: [{ name: "x", type, shape: [4, 2, 3] }],
            outputs: [{ name: "y", type, shape: [4, 2, 3] }],
          },
        }),
      },
    });
  test.each([
    ["float32", floatType, (value: number) => value / 4],
    ["float16", 10, (value: number) => value / 4],
    ["int64", int64Type, (value: number) => value],
    ["uint8", 2, (value: number) => value],
    ["bool", 9, (value: number) => value % 2 === 1],
    ["string", 8, String],
  ] as const)("and arrays of %s splits them between rows", async (element, type, toValue) => {
    const model = await echo({ type: "tensor", element, shape: [2, 3] }, element, type);
    try {
      for (const count of [1, 4, 5, 11]) {
        const rows = Array.from({ length: count }, (_, row) => ({
          x: [0, 3].map((start) => [0, 1, 2].map((place) => toValue(row * 6 + start + place))),
        }));
        expect((await model.predict(rows)).map(({ tensors }) => tensors?.y)).toEqual(rows.map(({ x }) => x));
      }
    } finally {
      await model.release();
    }
  });

  test("and a tensor takes columns row-major", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const model = await loadModel({
      manifest: buildManifest({
        name: "tiny",
        task: "tensors",
        inputs: names.map((name) => ({ name, type: "number", min: 0, max: 1_000 })),
        output: { tensors: [{ name: "y", element: "float16", shape: [2, 3] }] },
        gates,
      }),
      model: {
        bytes: writeOnnx({
          graph: {
            nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
            inputs: [{ name: "x", type: 10, shape: [4, 2, 3] }],
            outputs: [{ name: "y", type: 10, shape: [4, 2, 3] }],
          },
        }),
      },
    });
    try {
      const rows = Array.from({ length: 6 }, (_, row) =>
        Object.fromEntries(names.map((name, at) => [name, row * 6 + at])),
      );
      expect((await model.predict(rows)).map(({ tensors }) => tensors?.y)).toEqual(
        rows.map(({ a, b, c, d, e, f }) => [
          [a, b, c],
          [d, e, f],
        ]),
      );
    } finally {
      await model.release();
    }
  });

  test("without a part of the output per row is an error, never a prediction", async () => {
    const session = await openSession({
      bytes: writeOnnx({
        graph: {
          nodes: [
            { op: "ReduceMin", inputs: ["x"], outputs: ["y"], attributes: [{ name: "keepdims", int: 0 }] },
          ],
          inputs: [{ name: "x", type: int64Type, shape: [4, 2] }],
          outputs: [{ name: "y", type: int64Type, shape: [] }],
        },
      }),
    });
    const x = { type: "int64", data: new BigInt64Array(2), dims: [1, 2] } as const;
    await expect(session.run({ x }, ["y"])).rejects.toThrow(/one part for each of the graph's 4 rows/);
    await session.release();
  });
});
