import { bool, float, type Graph, int64 } from "./write-onnx.ts";

/** What a Loop runs each time: `op` on the value that it carries, without an end of its own. */
export const loopBody = (op: "Identity" | "Sin"): Graph => ({
  nodes: [
    { op: "Identity", inputs: ["go"], outputs: ["on"] },
    { op, inputs: ["v"], outputs: ["w"] },
  ],
  inputs: [
    { name: "i", type: int64, shape: [] },
    { name: "go", type: bool, shape: [] },
    { name: "v", type: float, shape: ["N", 1] },
  ],
  outputs: [
    { name: "on", type: bool, shape: [] },
    { name: "w", type: float, shape: ["N", 1] },
  ],
});
