import type { Mismatch } from "#model-folder/onnx/bind-inputs.ts";
import { findBatchSize } from "#model-folder/onnx/find-batch-size.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";

const roles = ["input_ids", "attention_mask", "token_type_ids"] as const;

/** An input of a text model's graph, a tensor [rows, tokens]. */
export type TokenFeed = { readonly name: (typeof roles)[number]; readonly element: "int64" | "int32" };

const remedy =
  "Export the model with the inputs input_ids, attention_mask and, if it has it, token_type_ids, each int64 [None, None].";

const bindTokenInput = (value: GraphValue): TokenFeed | Mismatch => {
  const name = roles.find((role) => role === value.name);
  if (!name) return { message: `a tokenizer cannot fill the graph's input ${value.name}`, remedy };
  if (value.kind !== "tensor" || (value.type !== "int64" && value.type !== "int32"))
    return {
      message: `the graph takes ${name} as ${value.kind === "tensor" ? value.type : value.kind}`,
      remedy,
    };
  if (value.shape && (value.shape.length !== 2 || typeof value.shape[1] === "number"))
    return { message: `the graph takes ${name} in a fixed shape [${value.shape.join(", ")}]`, remedy };
  return { name, element: value.type };
};

/** Binds the graph's inputs to the tokenizer's outputs, by the names that transformers' exporters use. */
export const bindTokens = (
  graphInputs: readonly GraphValue[],
):
  | { readonly status: "bound"; readonly feeds: readonly TokenFeed[] }
  | { readonly status: "mismatched"; readonly mismatches: readonly Mismatch[] } => {
  const bindings = graphInputs.map(bindTokenInput);
  const batch = findBatchSize(graphInputs);
  const mismatches: Mismatch[] = bindings.flatMap((binding) => ("message" in binding ? [binding] : []));
  if (batch.status === "mismatched") mismatches.push(batch);
  if (!graphInputs.some(({ name }) => name === "input_ids"))
    mismatches.push({
      message: "the graph has no input input_ids, though the manifest names a tokenizer",
      remedy,
    });
  return mismatches.length > 0
    ? { status: "mismatched", mismatches }
    : { status: "bound", feeds: bindings.flatMap((binding) => ("message" in binding ? [] : [binding])) };
};
