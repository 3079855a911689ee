import { describe, expect, test } from "vitest";
import { checkModel } from "#model-check/check-model.ts";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { floatType, type Graph, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { draftModelFolder } from "./draft-model-folder.ts";

type Rows = readonly Readonly<Record<string, unknown>>[];

const draft = (graph: Graph, rows: Rows, more: Partial<Parameters<typeof draftModelFolder>[0]> = {}) =>
  draftModelFolder({
    name: "arrays",
    onnx: writeOnnx({ graph }),
    csv: new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join("\n")),
    csvName: "rows.jsonl",
    targets: [],
    tokenizer: undefined,
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
    ...more,
  });

const createWindow = (length: number, start: number) =>
  Array.from({ length }, (_, step) => [start + step, start - step]);
/** [N, T, 2] to the same shape, doubled; the exporter leaves sizes open. */
const createGraph = (input: (number | string)[], output: (number | string)[]): Graph => ({
  nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
  inputs: [{ name: "x", type: floatType, shape: input }],
  outputs: [{ name: "y", type: floatType, shape: output }],
});

describe("slipway new with arrays", () => {
  test("takes windows of several lengths, and golden.json has the prediction of each", async () => {
    const windows = Array.from({ length: 12 }, (_, row) => createWindow(2 + (row % 3), row));
    const made = await draft(
      createGraph(["N", "T", 2], ["N", "T", 2]),
      windows.map((x) => ({ x })),
    );
    const manifest = readManifest(made.files.get("model.yaml") ?? new Uint8Array());
    expect(manifest.inputs).toMatchObject([{ type: "tensor", shape: [null, 2] }]);
    const golden = Golden.parse(JSON.parse(new TextDecoder().decode(made.files.get("golden.json"))));
    expect(golden.predictions.map(({ tensors }) => tensors?.y)).toEqual(
      windows.map((window) => window.map((step) => step.map((value) => 2 * value))),
    );
    const problems = await checkModel({ model: "arrays", files: made.files });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("takes the sizes of the run where the graph leaves several open", async () => {
    const images = Array.from({ length: 8 }, (_, row) => ({ x: [createWindow(3, row)] }));
    const made = await draft(createGraph(["N", 1, "H", "W"], ["N", "C", "H", "W"]), images);
    const manifest = readManifest(made.files.get("model.yaml") ?? new Uint8Array());
    expect(manifest.output).toMatchObject({ tensors: [{ name: "y", shape: [1, 3, 2] }] });
    expect(made.guesses).toContain("sizes of y that the graph leaves open are those of the run");
  });

  test("refuses an output whose first dimension is not the rows: the hidden states of an LSTM", async () => {
    const graph: Graph = {
      nodes: [
        { op: "Transpose", inputs: ["x"], outputs: ["h"], attributes: [{ name: "perm", ints: [1, 0, 2] }] },
      ],
      inputs: [{ name: "x", type: floatType, shape: ["N", 2, 3] }],
      outputs: [{ name: "h", type: floatType, shape: [2, "N", 3] }],
    };
    const rows = Array.from({ length: 8 }, (_, row) => ({
      x: [
        [row, 1, 2],
        [3, 4, row],
      ],
    }));
    await expect(draft(graph, rows)).rejects.toThrow(
      "the first dimension of the graph's output h is not the rows (it is declared as [2, N, 3])",
    );
  });

  test("finds a graph that takes the sequence before the rows", async () => {
    // A running sum over the first dimension, as an LSTM of torch without batch_first.
    const graph: Graph = {
      nodes: [{ op: "CumSum", inputs: ["x", "axis"], outputs: ["y"] }],
      initializers: [{ name: "axis", dims: [], int64: [0] }],
      inputs: [{ name: "x", type: floatType, shape: [5, "N", 2] }],
      outputs: [{ name: "y", type: floatType, shape: [5, "N", 2] }],
    };
    const made = await draft(
      graph,
      Array.from({ length: 10 }, (_, row) => ({ x: createWindow(5, row) })),
    );
    const problems = await checkModel({ model: "arrays", files: made.files });
    expect(problems.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual([
      expect.stringContaining("the first dimension of the graph's input x is not the rows"),
    ]);
  });

  test("refuses predictions that no response can hold", async () => {
    const rows = Array.from({ length: 4 }, (_, row) => ({ x: [[row]] }));
    await expect(draft(createGraph(["N", 1, 1], ["N", 1_000, 1_000]), rows)).rejects.toThrow(
      "a prediction has 1000000 elements (limit 300000",
    );
  });

  test.each([
    ["text", (row: number) => ["a", "b", "c"][row % 3]],
    ["integers", (row: number) => row % 2],
  ])("points from classes and a value together (%s) to the task tensors, which works", async (_, kind) => {
    const graph: Graph = {
      nodes: [
        { op: "Softmax", inputs: ["x"], outputs: ["kind"], attributes: [{ name: "axis", int: 1 }] },
        {
          op: "ReduceMax",
          inputs: ["x"],
          outputs: ["price"],
          attributes: [
            { name: "axes", ints: [1] },
            { name: "keepdims", int: 1 },
          ],
        },
      ],
      inputs: [{ name: "x", type: floatType, shape: ["N", 2] }],
      outputs: [
        { name: "kind", type: floatType, shape: ["N", 2] },
        { name: "price", type: floatType, shape: ["N", 1] },
      ],
    };
    const rows = Array.from({ length: 40 }, (_, row) => ({
      x: [row / 40, 1 - row / 40],
      kind: kind(row),
      price: row / 2,
    }));
    const targets = ["kind", "price"];
    await expect(draft(graph, rows, { targets })).rejects.toThrow(
      "Serve a mixture of both as tensors: --task tensors, with --ignore <column> in place of each --target.",
    );
    const made = await draft(graph, rows, { ignored: targets, options: { task: "tensors" } });
    const manifest = readManifest(made.files.get("model.yaml") ?? new Uint8Array());
    expect(manifest.output).toMatchObject({ tensors: [{ name: "kind" }, { name: "price" }] });
  });
});
