import { loadModel } from "#inference/model/load-model.ts";
import { buildManifest } from "./churn-folder.ts";
import { tinyTokenizer } from "./tiny-tokenizer.ts";
import { tokenSumGraph } from "./token-sum-graph.ts";
import { floatType, type Graph, writeOnnx } from "./write-onnx.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
/** One matrix [N, 2] in, one out. */
const matrix = (op: string, output: string): Graph => ({
  nodes: [{ op, inputs: ["X"], outputs: [output] }],
  inputs: [{ name: "X", type: floatType, shape: ["N", 2] }],
  outputs: [{ name: output, type: floatType, shape: ["N", 2] }],
});
const size = { name: "size", type: "number", min: -10, max: 10, required: false };

/** Models of other kinds than churn: each a manifest, its graph and its tokenizer. */
export const smallModels = {
  "a matrix with a category's places, and integer labels": {
    manifest: buildManifest({
      name: "matrix",
      inputs: [
        { name: "colour", type: "category", values: ["red", "green", "blue"] },
        { ...size, required: true },
      ],
      output: { labels: [7, 8], scores: "logits" },
      gates,
    }),
    graph: matrix("Identity", "scores"),
    tokenizer: undefined,
    rows: [
      { colour: "blue", size: 1.5 },
      { colour: "red", size: 0.25 },
    ],
  },
  "a regression of two values": {
    manifest: buildManifest({
      name: "two",
      task: "regression",
      inputs: [
        { ...size, required: true },
        { ...size, name: "weight", required: true },
      ],
      output: { names: ["a", "b"] },
      gates,
    }),
    graph: matrix("Neg", "y"),
    tokenizer: undefined,
    rows: [
      { size: 1.5, weight: 2 },
      { size: -1, weight: 0.5 },
    ],
  },
  "texts with a tokenizer": {
    manifest: buildManifest({
      name: "texts",
      task: "regression",
      inputs: [{ name: "text", type: "string" }],
      tokenizer: { maxTokens: 8 },
      output: { names: ["ids", "tokens"] },
      gates,
    }),
    graph: tokenSumGraph,
    tokenizer: tinyTokenizer,
    rows: [{ text: "good" }, { text: "bad, bad and good: good good good good" }, { text: "" }],
  },
};
export type SmallModel = (typeof smallModels)[keyof typeof smallModels];

export const loadSmallModel = ({ manifest, graph, tokenizer }: SmallModel) =>
  loadModel({ manifest, model: { bytes: writeOnnx({ graph }) }, tokenizer });
