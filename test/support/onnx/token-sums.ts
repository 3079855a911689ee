import { float, type Graph, int64 } from "./write-onnx.ts";

/** Answers each text with the sum of its tokens' ids and with their number. */
export const tokenSums: Graph = {
  nodes: [
    { op: "Cast", inputs: ["input_ids"], outputs: ["a"], attributes: [{ name: "to", int: float }] },
    { op: "Cast", inputs: ["attention_mask"], outputs: ["b"], attributes: [{ name: "to", int: float }] },
    { op: "ReduceSum", inputs: ["a", "axis"], outputs: ["ids"] },
    { op: "ReduceSum", inputs: ["b", "axis"], outputs: ["tokens"] },
  ],
  initializers: [{ name: "axis", dims: [1], int64: [1] }],
  inputs: [
    { name: "input_ids", type: int64, shape: ["N", "S"] },
    { name: "attention_mask", type: int64, shape: ["N", "S"] },
  ],
  outputs: [
    { name: "ids", type: float, shape: ["N", 1] },
    { name: "tokens", type: float, shape: ["N", 1] },
  ],
};
