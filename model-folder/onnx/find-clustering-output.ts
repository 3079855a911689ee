import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { formatGraphValues } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";
import { type FindOutputResult, hasWidth, isFloat, isLabelTensor } from "./output-candidates.ts";

type ClusteringOutput = Extract<Manifest, { task: "clustering" }>["output"];

/** The label, then the distances or probabilities where the manifest names them. */
export const findClusteringOutput = (
  { labels, labelOutput, distances, probabilities }: ClusteringOutput,
  outputs: readonly GraphValue[],
): FindOutputResult => {
  if (!outputs.some((value) => value.name === labelOutput && isLabelTensor(value)))
    return {
      status: "missing",
      message: `the graph has no output ${labelOutput} with the cluster of each row, text or integers (it has ${formatGraphValues(outputs)})`,
      remedy: "Correct output.labelOutput in model.yaml.",
    };
  const scores = distances ?? probabilities;
  if (scores === undefined) return { status: "found", names: [labelOutput], width: 0 };
  return outputs.some((value) => value.name === scores && isFloat(value) && hasWidth(labels.length)(value))
    ? { status: "found", names: [labelOutput, scores], width: labels.length }
    : {
        status: "missing",
        message: `the graph has no output ${scores} with a number for each of ${labels.length} clusters, a float tensor [N, ${labels.length}] (it has ${formatGraphValues(outputs)})`,
        remedy: `Correct output.${distances === undefined ? "probabilities" : "distances"} or output.labels in model.yaml.`,
      };
};
