import type { Manifest } from "./manifest.ts";

/**
 * The names of the inputs that the tokenizer takes: one text, or two of a pair, the first one first. Empty for a model
 * without a tokenizer, and where the manifest names none of several.
 */
export const listTextInputs = ({
  inputs,
  tokenizer,
}: Pick<Manifest, "inputs" | "tokenizer">): readonly string[] => {
  if (!tokenizer) return [];
  if (tokenizer.pair) return tokenizer.pair;
  if (tokenizer.text !== undefined) return [tokenizer.text];
  const [text, ...others] = inputs.filter(({ type }) => type === "string");
  return text && others.length === 0 ? [text.name] : [];
};
