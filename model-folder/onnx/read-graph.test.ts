import { expect, test } from "vitest";
import { doubleType, floatType, stringType, uint8Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { ModelUnreadable } from "./model-unreadable.ts";
import { defaultGraphLimits, GraphTooLarge, readGraph } from "./read-graph.ts";

const onnx = writeOnnx({
  graph: {
    nodes: [
      {
        op: "Custom",
        domain: "ai.onnx.ml",
        inputs: ["x", ""],
        outputs: ["y"],
        attributes: [
          { name: "float", float: 0.5 },
          { name: "int", int: -3 },
          { name: "string", string: "größer" },
          { name: "floats", floats: [1.5, Number.NaN] },
          { name: "ints", ints: [1, -2, 2 ** 40] },
          { name: "strings", strings: ["a", ""] },
          { name: "tensor", tensor: { type: doubleType, dims: [2], double: [0.1, -0] } },
          { name: "graph", graph: {} },
        ],
      },
    ],
    initializers: [
      { name: "bytes", type: uint8Type, dims: [2], int32: [1, 255] },
      { name: "texts", type: stringType, dims: [2], text: ["é", "b"] },
      { name: "short", type: floatType, dims: [3], float: [1] },
    ],
    inputs: [
      { name: "x", type: floatType, shape: ["rows", 2] },
      { name: "bytes", type: uint8Type, shape: [2] },
    ],
    outputs: [{ name: "y", sequence: true }],
  },
  opsets: { "": 17, "ai.onnx.ml": 3 },
});

test("a file in a Buffer is read as in any bytes, also where its tensors are raw", () => {
  const tensor = {
    name: "t",
    type: floatType,
    dims: [2],
    raw: new Uint8Array(Float32Array.of(1.5, -2).buffer),
  };
  const bytes = writeOnnx({ graph: { initializers: [tensor] } });
  const shared = Buffer.concat([Buffer.alloc(8, 7), bytes]).subarray(8);
  for (const each of [bytes, shared])
    expect(readGraph(each).tensors.get("t")?.read()?.values).toEqual(Float32Array.of(1.5, -2));
});

test("a graph is read with all that it computes with", () => {
  const { nodes, tensors, inputs, outputs, opsets } = readGraph(onnx);
  const [node] = nodes;
  expect(node?.inputs).toEqual(["x", ""]);
  const { tensor, graph, ...others } = Object.fromEntries(node?.attributes ?? []);
  expect(others).toEqual({
    float: { kind: "float", float: 0.5 },
    int: { kind: "int", int: -3 },
    string: { kind: "string", string: "größer" },
    floats: { kind: "floats", floats: Float32Array.of(1.5, Number.NaN) },
    ints: { kind: "ints", ints: Float64Array.of(1, -2, 2 ** 40) },
    strings: { kind: "strings", strings: ["a", ""] },
  });
  expect(tensor?.kind === "tensor" && tensor.tensor.read()?.values).toEqual(Float64Array.of(0.1, -0));
  expect(graph).toEqual({ kind: "other" });
  expect(tensors.get("bytes")?.read()).toEqual({ type: "uint8", values: Uint8Array.of(1, 255) });
  expect(tensors.get("texts")?.read()).toEqual({ type: "string", values: ["é", "b"] });
  expect(inputs).toEqual([{ name: "x", kind: "tensor", type: "float32", shape: ["rows", 2] }]);
  expect(outputs).toEqual([{ name: "y", kind: "sequence" }]);
  expect(opsets.get("ai.onnx.ml")).toBe(3);
});

test("a tensor with another number of elements than its shape is refused when it is read", () => {
  expect(() => readGraph(onnx).tensors.get("short")?.read()).toThrow(ModelUnreadable);
});

test("a file cut anywhere is read or refused, and never fails in another way", () => {
  for (let length = 0; length < onnx.length; length++)
    try {
      readGraph(onnx.subarray(0, length));
    } catch (error) {
      expect(error).toBeInstanceOf(ModelUnreadable);
    }
});

test("a file with one byte changed is read or refused, and never fails in another way", () => {
  for (let at = 0; at < onnx.length; at++) {
    const changed = onnx.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x95;
    try {
      const { tensors } = readGraph(changed);
      for (const tensor of tensors.values()) tensor.read();
    } catch (error) {
      expect(error).toBeInstanceOf(ModelUnreadable);
    }
  }
});

test.each(["nodes", "tensors", "values", "attributes", "names", "bytes"] as const)(
  "a graph beyond the limit of %s is too large, not unreadable",
  (name) => {
    expect(() => readGraph(onnx, { ...defaultGraphLimits, [name]: 0 })).toThrow(GraphTooLarge);
  },
);

test("data in another file is refused", () => {
  const external = writeOnnx({
    graph: { initializers: [{ name: "w", type: floatType, dims: [1], external: true }] },
  });
  expect(() => readGraph(external)).toThrow(/keeps its data in another file/);
});
