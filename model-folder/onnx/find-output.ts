import { listScoreNames } from "#model-folder/manifest/list-score-names.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import type { Mismatch } from "./bind-inputs.ts";
import { findAnomalyOutput } from "./find-anomaly-output.ts";
import { findHeadOutputs, findTensorOutputs } from "./find-array-outputs.ts";
import { findClusteringOutput } from "./find-clustering-output.ts";
import { findEmbeddingOutput } from "./find-embedding-output.ts";
import { findEntitiesOutput } from "./find-entities-output.ts";
import { findMultilabelOutput } from "./find-multilabel-output.ts";
import { formatGraphValues } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";
import {
  type FindOutputResult,
  hasWidth,
  isFloat,
  isInteger,
  isLabelTensor,
  type TensorValue,
} from "./output-candidates.ts";

type Classification = Extract<Manifest, { task: "classification" }>;

const isMatrix = ({ shape }: TensorValue): boolean => shape?.length === 2 && shape[1] !== 1;

/** The output of `labelOutput`. */
const findLabels = (
  name: string,
  outputs: readonly GraphValue[],
): { readonly label: string } | ({ readonly status: "missing" } & Mismatch) => {
  const value = outputs.find((each) => each.name === name);
  return value && isLabelTensor(value) && hasWidth(1)(value)
    ? { label: name }
    : {
        status: "missing",
        message: `the graph has no output ${name} with one label per row, a tensor of text or integers [N] or [N, 1] (it has ${formatGraphValues(outputs)})`,
        remedy:
          "Correct output.labelOutput in model.yaml, or remove it: the label is then the highest score.",
      };
};

/** One raw value for two labels: [N], [N, 1], or a column of [N, 2]; some exporters declare two and write one. */
const findDecision = (outputs: readonly GraphValue[]): FindOutputResult => {
  const candidates = outputs.filter(isFloat).filter((value) => hasWidth(1)(value) || hasWidth(2)(value));
  const output =
    candidates.find(({ name }) => /prob|score|decision/i.test(name)) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  return output
    ? { status: "found", names: [output.name], width: 1 }
    : {
        status: "missing",
        message: `no output of the graph holds a decision value per row, a float tensor [N, 1] (it has ${formatGraphValues(outputs)})`,
        remedy: "Export the decision function, or write scores: none with labelOutput.",
      };
};

const findClassification = (manifest: Classification, outputs: readonly GraphValue[]): FindOutputResult => {
  const { labels, labelOutput, scores } = manifest.output;
  const found: FindOutputResult =
    scores === "none"
      ? { status: "found", names: [], width: 0 }
      : scores === "decision" && listScoreNames(manifest).length === 1
        ? findDecision(outputs)
        : findScores(labels.length, outputs);
  if (found.status === "missing" || labelOutput === undefined) return found;
  const label = findLabels(labelOutput, outputs);
  return "label" in label ? { ...found, ...label } : label;
};

const findScores = (labels: number, outputs: readonly GraphValue[]): FindOutputResult => {
  const floatOutputs = outputs.filter(isFloat);
  // Integers are scores only where no float can be: most classifiers have an integer label output too.
  const scores = floatOutputs.length > 0 ? floatOutputs : outputs.filter(isInteger).filter(isMatrix);
  const candidates = scores.filter(hasWidth(labels));
  // If several match, exporters use this name for the probabilities and another one for raw scores.
  const output =
    candidates.find((value) => /prob/i.test(value.name)) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  if (output) return { status: "found", names: [output.name], width: labels };
  const [single, ...others] = floatOutputs.filter(hasWidth(1));
  if (labels === 2 && candidates.length === 0 && single && others.length === 0)
    return { status: "found", names: [single.name], width: 1 };
  const sequence = outputs.find((value) => value.kind === "sequence" || value.kind === "map");
  if (sequence)
    return {
      status: "missing",
      message: `the graph's output ${sequence.name} is a ${sequence.kind}, as ZipMap makes it: scores are read from a tensor [N, ${labels}]`,
      remedy:
        "Write the folder with `slipway new`, which removes ZipMap, or export with options={'zipmap': False} (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}}); onnxmltools: zipmap=False).",
    };
  return {
    status: "missing",
    message: `no output of the graph holds the scores of ${labels} labels, a tensor of numbers [N, ${labels}] (it has ${formatGraphValues(outputs)})`,
    remedy:
      "List the labels in model.yaml in the order of the scores' columns, or export the probabilities (an output whose name holds `prob` is preferred).",
  };
};

/**
 * Values can be integers, where the graph has no floats of this width.
 * @param graphOutputs the manifest's names of the graph's outputs: one for all values, or one for each
 */
const findValues = (
  names: readonly string[],
  outputs: readonly GraphValue[],
  graphOutputs?: readonly string[],
): FindOutputResult => {
  // A float is preferred: an integer beside it is often a label.
  const groups = [outputs.filter(isFloat), outputs.filter(isInteger)];
  const hasNumbers = (name: string, width: number): boolean =>
    groups.flat().some((value) => value.name === name && hasWidth(width)(value));
  if (graphOutputs) {
    const width = names.length / graphOutputs.length;
    const missing = graphOutputs.find((name) => !hasNumbers(name, width));
    return missing === undefined
      ? { status: "found", names: graphOutputs, width }
      : {
          status: "missing",
          message: `the graph has no output ${missing} with ${width === 1 ? "one value" : `${width} values`} per row, a tensor of numbers [N, ${width}] (it has ${formatGraphValues(outputs)})`,
          remedy: "Correct output.graphOutputs in model.yaml.",
        };
  }
  if (names.length > 1 && names.every((name) => hasNumbers(name, 1)))
    return { status: "found", names, width: 1 };
  const output = groups
    .map((values) => {
      const candidates = values.filter(hasWidth(names.length));
      return (
        candidates.find(({ name }) => names.length === 1 && name === names[0]) ??
        (candidates.length === 1 ? candidates[0] : undefined)
      );
    })
    .find((value) => value !== undefined);
  return output
    ? { status: "found", names: [output.name], width: names.length }
    : {
        status: "missing",
        message: `no single output of the graph holds ${names.length === 1 ? "one value" : `${names.length} values`} per row, a tensor of numbers [N, ${names.length}] (it has ${formatGraphValues(outputs)})`,
        remedy:
          "Export the values as one tensor, or name the graph's outputs in model.yaml under output.name (or output.names).",
      };
};

/** Finds the graph's outputs that the manifest describes. */
export const findOutput = (manifest: Manifest, outputs: readonly GraphValue[]): FindOutputResult => {
  switch (manifest.task) {
    case "classification":
      return findClassification(manifest, outputs);
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
    case "embedding":
      return findEmbeddingOutput(manifest.output, outputs);
    case "entities":
      return findEntitiesOutput(manifest.output, outputs);
    case "tensors":
      return findTensorOutputs(manifest.output, outputs);
    case "multioutput":
      return findHeadOutputs(manifest.output, outputs);
    default:
      return manifest satisfies never;
  }
};
