import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { findAnomalyOutput } from "./find-anomaly-output.ts";
import { findHeadOutputs, findTensorOutputs, findVectorOutput } from "./find-array-outputs.ts";
import { findClusteringOutput } from "./find-clustering-output.ts";
import { findMultilabelOutput } from "./find-multilabel-output.ts";
import type { GraphValue } from "./graph-value.ts";
import { type FindOutputResult, formatOutputs, hasWidth, isFloat } from "./output-candidates.ts";

const findScores = (labels: number, outputs: readonly GraphValue[]): FindOutputResult => {
  if (outputs.some((value) => value.kind === "sequence" || value.kind === "map"))
    return {
      status: "missing",
      message: "the graph ends in ZipMap: its probabilities are a sequence of maps",
      remedy:
        "Export with options={'zipmap': False} (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}}); onnxmltools: zipmap=False).",
    };
  const floats = outputs.filter(isFloat);
  const candidates = floats.filter(hasWidth(labels));
  // If several match, exporters use this name for the probabilities and another one for raw scores.
  const output =
    candidates.find((value) => /prob/i.test(value.name)) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  if (output) return { status: "found", names: [output.name], width: labels };
  const [single, ...others] = floats.filter(hasWidth(1));
  if (labels === 2 && candidates.length === 0 && single && others.length === 0)
    return { status: "found", names: [single.name], width: 1 };
  return {
    status: "missing",
    message: `no output of the graph holds the scores of ${labels} labels, a float tensor [N, ${labels}] (it has ${formatOutputs(outputs)})`,
    remedy:
      "List the labels in model.yaml in the order of the scores' columns, or export the probabilities (an output whose name holds `prob` is preferred).",
  };
};

/** @param graphOutputs the manifest's names of the graph's outputs: one for all values, or one for each */
const findValues = (
  names: readonly string[],
  outputs: readonly GraphValue[],
  graphOutputs?: readonly string[],
): FindOutputResult => {
  const floats = outputs.filter(isFloat);
  if (graphOutputs) {
    const width = names.length / graphOutputs.length;
    const missing = graphOutputs.find(
      (name) => !floats.some((value) => value.name === name && hasWidth(width)(value)),
    );
    return missing === undefined
      ? { status: "found", names: graphOutputs, width }
      : {
          status: "missing",
          message: `the graph has no output ${missing} with ${width === 1 ? "one value" : `${width} values`} per row, a float tensor [N, ${width}] (it has ${formatOutputs(outputs)})`,
          remedy: "Correct output.graphOutputs in model.yaml.",
        };
  }
  if (
    names.length > 1 &&
    names.every((name) => floats.some((value) => value.name === name && hasWidth(1)(value)))
  )
    return { status: "found", names, width: 1 };
  const candidates = floats.filter(hasWidth(names.length));
  const output =
    candidates.find(({ name }) => names.length === 1 && name === names[0]) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  return output
    ? { status: "found", names: [output.name], width: names.length }
    : {
        status: "missing",
        message: `no single output of the graph holds ${names.length === 1 ? "one value" : `${names.length} values`} per row, a float tensor [N, ${names.length}] (it has ${formatOutputs(outputs)})`,
        remedy:
          "Export the values as one tensor, or name the graph's outputs in model.yaml under output.name (or output.names).",
      };
};

/** Finds the graph's outputs that the manifest describes. */
export const findOutput = (manifest: Manifest, outputs: readonly GraphValue[]): FindOutputResult => {
  switch (manifest.task) {
    case "classification":
      return findScores(manifest.output.labels.length, outputs);
    case "regression":
      return findValues(valueNames(manifest.output), outputs, manifest.output.graphOutputs);
    case "multilabel":
      return findMultilabelOutput(manifest.output, outputs);
    case "anomaly":
      return findAnomalyOutput(manifest.output, outputs);
    case "clustering":
      return findClusteringOutput(manifest.output, outputs);
    case "ranking":
      return findValues([manifest.output.graphOutput ?? manifest.output.name], outputs);
    case "tensors":
      return findTensorOutputs(manifest.output, outputs);
    case "multioutput":
      return findHeadOutputs(manifest.output, outputs);
    case "embedding":
      return findVectorOutput(manifest.output, outputs);
    case "entities":
      throw new RangeError(`${manifest.task} is not implemented`);
    default:
      return manifest satisfies never;
  }
};
