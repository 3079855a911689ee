import { floatType, type Graph, int64Type } from "./write-onnx.ts";

/** Predicts for each text the sum of its token ids and their number. */
export const tokenSumGraph: Graph = {
  nodes: [
    { op: "Cast", inputs: ["input_ids"], outputs: ["a"], attributes: [{ name: "to", int: floatType }] },
    { op: "Cast", inputs: ["attention_mask"], outputs: ["b"], attributes: [{ name: "to", int: floatType }] },
    { op: "ReduceSum", inputs: ["a", "axis"], outputs: ["ids"] },
    { op: "ReduceSum", inputs: ["b", "axis"], outputs: ["tokens"] },
  ],
  initializers: [{ name: "axis", dims: [1], int64: [1] }],
  inputs: [
    { name: "input_ids", type: int64Type, shape: ["N", "S"] },
    { name: "attention_mask", type: int64Type, shape: ["N", "S"] },
  ],
  outputs: [
    { name: "ids", type: floatType, shape: ["N", 1] },
    { name: "tokens", type: floatType, shape: ["N", 1] },
  ],
};
