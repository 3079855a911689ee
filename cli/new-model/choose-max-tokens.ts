import { bindTokens } from "#inference/text/bind-tokens.ts";
import { readTokenizerSettings } from "#inference/text/read-tokenizer-settings.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** The limits of the manifest's tokenizer.maxTokens. */
const least = 8;
const most = 8_192;
const usual = 256;

type Choice = {
  readonly maxTokens: number;
  /** How it was chosen, and how to choose otherwise; the number of tokens changes predictions. */
  readonly guess: string | undefined;
};

/**
 * Chooses the most tokens of a text: the caller's number, else tokenizer.json's own truncation, else 256; never more than
 * a graph with a fixed number takes. Throws NewModelRefused, and ModelUnreadable for another file.
 * @param requested `--max-tokens`
 */
export const chooseMaxTokens = (
  bytes: Uint8Array,
  requested: number | undefined,
  graph: Pick<OnnxSummary, "inputs">,
): Choice => {
  const own = readTokenizerSettings(bytes).truncation?.maxTokens;
  const binding = bindTokens(graph.inputs);
  const fixed = binding.status === "bound" ? binding.tokens : undefined;
  const limit = Math.min(most, fixed ?? most);
  if (limit < least)
    throw new NewModelRefused(
      `the graph takes only ${fixed} tokens per text`,
      `Export it with an open second dimension, or with at least ${least} tokens.`,
    );
  if (requested !== undefined) {
    const maxTokens = Math.min(requested, limit);
    const differs = own !== undefined && own !== maxTokens;
    return {
      maxTokens,
      guess:
        differs || maxTokens < requested
          ? `maxTokens ${maxTokens}: ${maxTokens < requested ? `the graph takes ${limit} tokens` : "--max-tokens"}${differs ? `; tokenizer.json cuts texts at ${own} tokens` : ""}`
          : undefined,
    };
  }
  if (own !== undefined && own < least)
    throw new NewModelRefused(
      `tokenizer.json cuts texts at ${own} tokens`,
      `Choose another number with --max-tokens (at least ${least}).`,
    );
  if (own !== undefined)
    return own <= limit
      ? {
          maxTokens: own,
          guess: `maxTokens ${own}: tokenizer.json's truncation (--max-tokens chooses another)`,
        }
      : {
          maxTokens: limit,
          guess: `maxTokens ${limit}: ${fixed === limit ? "what the graph takes" : "the most that Slipway takes"}, though tokenizer.json cuts texts at ${own} tokens`,
        };
  return fixed === undefined
    ? {
        maxTokens: usual,
        guess: `maxTokens ${usual}: tokenizer.json has no truncation; longer texts are cut off, or refused by a model of entities (--max-tokens chooses another)`,
      }
    : { maxTokens: limit, guess: `maxTokens ${limit}: what the graph takes` };
};
