import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { formatGraphValues } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";
import { type FindOutputResult, hasWidth, isFloat } from "./output-candidates.ts";

type MultilabelOutput = Extract<Manifest, { task: "multilabel" }>["output"];

/** scikit-learn's trees and neighbours give [labels, N, 2]: for each label the probabilities of 0 and of 1. */
const isStacked =
  (labels: number) =>
  (value: GraphValue): boolean =>
    value.kind === "tensor" &&
    value.shape?.length === 3 &&
    value.shape[0] === labels &&
    (value.shape[2] === 2 || typeof value.shape[2] !== "number");

/**
 * One output for all labels, [N, labels] or [labels, N, 2]; or one for each label, [N], [N, 1] or [N, 2] (the probabilities
 * of 0 and of 1).
 */
export const findMultilabelOutput = (
  { labels, graphOutputs }: MultilabelOutput,
  outputs: readonly GraphValue[],
): FindOutputResult => {
  const width = labels.length;
  const floats = outputs.filter(isFloat);
  const holdsAll = (value: GraphValue & { kind: "tensor" }): boolean =>
    hasWidth(width)(value) || isStacked(width)(value);
  if (graphOutputs) {
    const fits =
      graphOutputs.length === 1
        ? holdsAll
        : (value: GraphValue & { kind: "tensor" }) => hasWidth(1)(value) || hasWidth(2)(value);
    const missing = graphOutputs.find((name) => !floats.some((value) => value.name === name && fits(value)));
    return missing === undefined
      ? { status: "found", names: graphOutputs, width: graphOutputs.length === 1 ? width : 1 }
      : {
          status: "missing",
          message: `the graph has no output ${missing} with ${graphOutputs.length === 1 ? `the scores of ${width} labels, a float tensor [N, ${width}]` : "the score of one label, a float tensor [N, 1] or [N, 2]"} (it has ${formatGraphValues(outputs)})`,
          remedy: "Correct output.graphOutputs in model.yaml.",
        };
  }
  const candidates = floats.filter(holdsAll);
  const output =
    candidates.find(({ name }) => /prob/i.test(name)) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  return output
    ? { status: "found", names: [output.name], width }
    : {
        status: "missing",
        message: `no single output of the graph holds the scores of ${width} labels, a float tensor [N, ${width}] (it has ${formatGraphValues(outputs)})`,
        remedy:
          "Name the graph's outputs in model.yaml under output.graphOutputs: one for all labels, or one for each.",
      };
};
