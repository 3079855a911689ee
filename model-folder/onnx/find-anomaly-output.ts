import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { formatGraphValues } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";
import { type FindOutputResult, hasWidth, isFloat, isLabelTensor } from "./output-candidates.ts";

type AnomalyOutput = Extract<Manifest, { task: "anomaly" }>["output"];

/** The score, then the label where the graph has one. */
export const findAnomalyOutput = (
  { name, graphOutput, labelOutput }: AnomalyOutput,
  outputs: readonly GraphValue[],
): FindOutputResult => {
  const floats = outputs.filter(isFloat).filter(hasWidth(1));
  const named = floats.find((value) => value.name === (graphOutput ?? name));
  const score = named ?? (graphOutput === undefined && floats.length === 1 ? floats[0] : undefined);
  if (!score)
    return {
      status: "missing",
      message: `${graphOutput === undefined ? "no single output of the graph holds" : `the graph has no output ${graphOutput} with`} one score per row, a float tensor [N, 1] (it has ${formatGraphValues(outputs)})`,
      remedy: "Name the graph's output with the score in model.yaml under output.graphOutput.",
    };
  if (labelOutput === undefined) return { status: "found", names: [score.name], width: 1 };
  return outputs.some((value) => value.name === labelOutput && isLabelTensor(value))
    ? { status: "found", names: [score.name, labelOutput], width: 1 }
    : {
        status: "missing",
        message: `the graph has no output ${labelOutput} with the label of each row, text or integers (it has ${formatGraphValues(outputs)})`,
        remedy: "Correct output.labelOutput in model.yaml, or give a threshold of the score in its place.",
      };
};
