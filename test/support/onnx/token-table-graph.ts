import { floatType, type Graph, int64Type } from "./write-onnx.ts";

/** Gives each token the row of a table that its id names: [N, tokens, width]. */
export const tokenTableGraph = (table: readonly (readonly number[])[], output: string): Graph => ({
  nodes: [{ op: "Gather", inputs: ["table", "input_ids"], outputs: [output] }],
  initializers: [
    { name: "table", type: floatType, dims: [table.length, table[0]?.length ?? 0], float: table.flat() },
  ],
  inputs: [
    { name: "input_ids", type: int64Type, shape: ["N", "S"] },
    { name: "attention_mask", type: int64Type, shape: ["N", "S"] },
  ],
  outputs: [{ name: output, type: floatType, shape: ["N", "S", table[0]?.length ?? 0] }],
});
