import { describe, expect, test } from "vitest";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { floatType, type Graph, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const describeTensors = (input: (number | null)[], output: (number | null)[]): Manifest =>
  buildManifest({
    name: "tiny",
    task: "tensors",
    inputs: [{ name: "x", type: "tensor", element: "float32", shape: input, required: true }],
    output: { tensors: [{ name: "y", element: "float32", shape: output }] },
    gates,
  });
const withModel = async (
  manifest: Manifest,
  graph: Graph,
  use: (predict: LoadedModel["predict"]) => Promise<void>,
): Promise<void> => {
  const model = await loadModel({ manifest, model: { bytes: writeOnnx({ graph }) } });
  try {
    await use(model.predict);
  } finally {
    await model.release();
  }
};

/** Doubles [N, T, 2]. */
const doubled: Graph = {
  nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
  inputs: [{ name: "x", type: floatType, shape: ["N", "T", 2] }],
  outputs: [{ name: "y", type: floatType, shape: ["N", "T", 2] }],
};
const createWindow = (length: number, start: number) =>
  Array.from({ length }, (_, step) => [start + step, start - step]);
const double = (window: readonly (readonly number[])[]) =>
  window.map((step) => step.map((value) => 2 * value));
const encode = (window: readonly (readonly number[])[]) => ({
  base64: Buffer.from(new Float32Array(window.flat()).buffer).toString("base64"),
});

describe("windows of an open length", () => {
  test("of several lengths in one request are predicted, each in its place", async () => {
    const windows = [3, 5, 3, 1, 5].map(createWindow);
    await withModel(describeTensors([null, 2], [null, 2]), doubled, async (predict) => {
      const predictions = await predict(windows.map((x) => ({ x })));
      expect(predictions.map(({ tensors }) => tensors?.y)).toEqual(windows.map(double));
    });
  });

  test("may be base64, whose length says how long the window is", async () => {
    const windows = [4, 2].map(createWindow);
    await withModel(describeTensors([null, 2], [null, 2]), doubled, async (predict) => {
      const predictions = await predict(windows.map((window) => ({ x: encode(window) })));
      expect(predictions.map(({ tensors }) => tensors?.y)).toEqual(windows.map(double));
      await expect(predict([{ x: [] }])).rejects.toMatchObject({
        problems: [{ row: 0, input: "x", detail: "must be an array of 1; it has 0" }],
      });
      await expect(predict([{ x: { base64: "AAAA" } }])).rejects.toMatchObject({
        problems: [{ row: 0, input: "x", detail: "must be the base64 of 8 bytes: 12 characters" }],
      });
    });
  });

  test("have the pointers of their own rows in a refusal", async () => {
    const rows = [createWindow(3, 0), [[0, 1], [0]], createWindow(3, 1), [["a", 1]]].map((x) => ({ x }));
    await withModel(describeTensors([null, 2], [null, 2]), doubled, async (predict) => {
      await expect(predict(rows)).rejects.toMatchObject({
        problems: [
          { row: 1, input: "x", path: [1] },
          { row: 3, input: "x", path: [0, 0] },
        ],
      });
    });
  });
});

describe("an output whose first dimension is not the rows", () => {
  /** [N, 2, 3] becomes [2, N, 3], as the hidden states of two layers: as many elements, but in another order. */
  const transposed: Graph = {
    nodes: [
      {
        op: "Transpose",
        inputs: ["x"],
        outputs: ["y"],
        attributes: [{ name: "perm", ints: [1, 0, 2] }],
      },
    ],
    inputs: [{ name: "x", type: floatType, shape: ["N", 2, 3] }],
    outputs: [{ name: "y", type: floatType, shape: [2, "N", 3] }],
  };

  test("is an error, never a prediction", async () => {
    const row = {
      x: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    };
    await withModel(describeTensors([2, 3], [null, 3]), transposed, async (predict) => {
      await expect(predict([row, row, row])).rejects.toThrow(
        "the model returned y in the shape [2, 3, 3] for 3 rows; the manifest says [N, ?, 3]: export it with the rows as its first dimension",
      );
    });
  });

  test("is an error for several values too, which would be those of other rows", async () => {
    const graph: Graph = {
      nodes: [{ op: "Transpose", inputs: ["x"], outputs: ["y"] }],
      inputs: [{ name: "x", type: floatType, shape: ["N", 2] }],
      outputs: [{ name: "y", type: floatType, shape: ["M", 2] }],
    };
    const manifest = buildManifest({
      name: "tiny",
      task: "regression",
      inputs: ["a", "b"].map((name) => ({ name, type: "number" as const, min: -10, max: 10 })),
      output: { names: ["c", "d"] },
      gates,
    });
    await withModel(manifest, graph, async (predict) => {
      await expect(
        predict([
          { a: 1, b: 2 },
          { a: 3, b: 4 },
          { a: 5, b: 6 },
        ]),
      ).rejects.toThrow("the model returned y in the shape [2, 3] for 3 rows");
    });
  });
});
