import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { bindInputs, type Column, type Mismatch } from "#model-folder/onnx/bind-inputs.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { bindTokens, isTokenInput, type TokenFeeds } from "./bind-tokens.ts";

export type TextBinding = TokenFeeds & {
  /** The manifest's texts: one, or two of a pair. Their feeds are no inputs of the graph. */
  readonly texts: readonly Column[];
  /** The other inputs, bound to the graph's other inputs. */
  readonly columns: readonly Column[];
};

/**
 * Binds a text model's manifest to its graph: the texts to the tokenizer's inputs, and all other inputs by name, or as the
 * columns of a matrix in order, to the graph's other inputs.
 */
export const bindTexts = (
  manifest: Pick<Manifest, "inputs" | "tokenizer">,
  graphInputs: readonly GraphValue[],
):
  | ({ readonly status: "bound" } & TextBinding)
  | { readonly status: "mismatched"; readonly mismatches: readonly Mismatch[] } => {
  const names = listTextInputs(manifest);
  const tokens = bindTokens(graphInputs);
  const others = manifest.inputs.filter(({ name }) => !names.includes(name));
  const otherValues = graphInputs.filter((value) => !isTokenInput(value));
  const bound =
    others.length === 0 && otherValues.length === 0
      ? ({ status: "bound", columns: [] } as const)
      : bindInputs({ inputs: others }, otherValues);
  if (tokens.status === "mismatched" || bound.status === "mismatched")
    return {
      status: "mismatched",
      mismatches: [tokens, bound].flatMap((binding) =>
        binding.status === "mismatched" ? binding.mismatches : [],
      ),
    };
  const texts = names.flatMap((name): Column[] => {
    const input = manifest.inputs.find((each) => each.name === name);
    return input ? [{ input, feed: { name, element: "string", rank: 1, width: 1 }, offset: 0 }] : [];
  });
  return { ...tokens, status: "bound", texts, columns: bound.columns };
};
