import type { Mismatch } from "#model-folder/onnx/bind-inputs.ts";
import { findBatchSize } from "#model-folder/onnx/find-batch-size.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";

const roles = ["input_ids", "attention_mask", "token_type_ids"] as const;

/** An input of a text model's graph, a tensor [rows, tokens]. */
export type TokenFeed = { readonly name: (typeof roles)[number]; readonly element: "int64" | "int32" };

/** The inputs of a text model's graph. */
export type TokenFeeds = {
  readonly feeds: readonly TokenFeed[];
  /** The graph's fixed number of rows in a run, and of tokens in a text; absent where it takes any. */
  readonly rows?: number;
  readonly tokens?: number;
};

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
  if (value.shape && value.shape.length !== 2)
    return { message: `the graph takes ${name} in the shape [${value.shape.join(", ")}]`, remedy };
  return { name, element: value.type };
};

/** Returns the graph's fixed number of tokens, undefined if it is open, or the mismatch of two numbers. */
const findFixedTokens = (graphInputs: readonly GraphValue[]): number | undefined | Mismatch => {
  const lengths = new Set(
    graphInputs.flatMap((value) => {
      const length = value.kind === "tensor" ? value.shape?.[1] : undefined;
      return typeof length === "number" ? [length] : [];
    }),
  );
  const [length, other] = lengths;
  return other !== undefined || length === 0
    ? {
        message: `the graph's inputs have different numbers of tokens: ${[...lengths].join(", ")}`,
        remedy,
      }
    : length;
};

/**
 * Binds the graph's inputs to the tokenizer's outputs, by the names that transformers' exporters use. Exporters without
 * dynamic axes fix rows and tokens at the lengths of their sample.
 */
export const bindTokens = (
  graphInputs: readonly GraphValue[],
):
  | ({ readonly status: "bound" } & TokenFeeds)
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
  const tokens = findFixedTokens(graphInputs);
  if (typeof tokens === "object" && mismatches.length === 0) mismatches.push(tokens);
  if (mismatches.length > 0) return { status: "mismatched", mismatches };
  return {
    status: "bound",
    feeds: bindings.flatMap((binding) => ("message" in binding ? [] : [binding])),
    ...(batch.status === "fixed" ? { rows: batch.rows } : {}),
    ...(typeof tokens === "number" ? { tokens } : {}),
  };
};
