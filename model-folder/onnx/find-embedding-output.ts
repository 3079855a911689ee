import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { formatGraphValues } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";
import { type FindOutputResult, hasTokenWidth, hasWidth, isFloat } from "./output-candidates.ts";

type EmbeddingOutput = Extract<Manifest, { task: "embedding" }>["output"];

/** The names that exporters give to vectors, where a graph has several outputs that fit. */
const usualNames = {
  tokens: /^(last_hidden_state|token_embeddings)$/,
  row: /^sentence_embedding$/,
};

/** The vector of each row, [N, dimensions], or with pooling the vectors of its tokens, [N, tokens, dimensions]. */
export const findEmbeddingOutput = (
  { name, graphOutput, dimensions, pooling }: EmbeddingOutput,
  outputs: readonly GraphValue[],
): FindOutputResult => {
  const isPooled = pooling !== "none";
  const candidates = outputs.filter(isFloat).filter((isPooled ? hasTokenWidth : hasWidth)(dimensions));
  const usual = isPooled ? usualNames.tokens : usualNames.row;
  const output =
    graphOutput === undefined
      ? (candidates.find((value) => value.name === name) ??
        candidates.find((value) => usual.test(value.name)) ??
        (candidates.length === 1 ? candidates[0] : undefined))
      : candidates.find((value) => value.name === graphOutput);
  if (output) return { status: "found", names: [output.name], width: dimensions };
  const form = isPooled
    ? `a vector of ${dimensions} numbers per token, a float tensor [N, tokens, ${dimensions}]`
    : `a vector of ${dimensions} numbers per row, a float tensor [N, ${dimensions}]`;
  return {
    status: "missing",
    message: `${graphOutput === undefined ? "no single output of the graph holds" : `the graph has no output ${graphOutput} with`} ${form} (it has ${formatGraphValues(outputs)})`,
    remedy:
      "Correct output.dimensions and output.pooling in model.yaml, or name the graph's output under output.graphOutput.",
  };
};
