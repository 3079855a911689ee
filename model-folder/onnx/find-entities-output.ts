import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { formatGraphValues } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";
import { type FindOutputResult, hasTokenWidth, isFloat } from "./output-candidates.ts";

type EntitiesOutput = Extract<Manifest, { task: "entities" }>["output"];

/** The scores of each token's labels, [N, tokens, labels]. */
export const findEntitiesOutput = (
  { graphOutput, labels }: EntitiesOutput,
  outputs: readonly GraphValue[],
): FindOutputResult => {
  const width = labels.length;
  const candidates = outputs.filter(isFloat).filter(hasTokenWidth(width));
  const output =
    graphOutput === undefined
      ? (candidates.find(({ name }) => name === "logits") ??
        (candidates.length === 1 ? candidates[0] : undefined))
      : candidates.find(({ name }) => name === graphOutput);
  return output
    ? { status: "found", names: [output.name], width }
    : {
        status: "missing",
        message: `${graphOutput === undefined ? "no single output of the graph holds" : `the graph has no output ${graphOutput} with`} the scores of ${width} labels per token, a float tensor [N, tokens, ${width}] (it has ${formatGraphValues(outputs)})`,
        remedy:
          "List all labels in model.yaml in the order of the scores, or name the graph's output under output.graphOutput.",
      };
};
