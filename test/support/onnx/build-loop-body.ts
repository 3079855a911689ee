import { boolType, floatType, type Graph, int64Type } from "./write-onnx.ts";

/** The body of a Loop: applies `op` to the carried value, and never ends the loop. */
export const buildLoopBody = (op: "Identity" | "Sin"): Graph => ({
  nodes: [
    { op: "Identity", inputs: ["go"], outputs: ["on"] },
    { op, inputs: ["v"], outputs: ["w"] },
  ],
  inputs: [
    { name: "i", type: int64Type, shape: [] },
    { name: "go", type: boolType, shape: [] },
    { name: "v", type: floatType, shape: ["N", 1] },
  ],
  outputs: [
    { name: "on", type: boolType, shape: [] },
    { name: "w", type: floatType, shape: ["N", 1] },
  ],
});
