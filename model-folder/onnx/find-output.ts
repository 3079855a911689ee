import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import type { Mismatch } from "./bind-inputs.ts";
import type { GraphValue } from "./graph-value.ts";

/**
 * The outputs to fetch: scores [N, labels]; only the second label's probability ([N] or [N, 1]); values as one tensor
 * [N, values]; or one tensor [N] or [N, 1] per value.
 */
type FindOutputResult =
  | {
      readonly status: "found";
      readonly names: readonly string[];
      /** How many numbers each of these outputs holds per row. */
      readonly width: number;
    }
  | ({ readonly status: "missing" } & Mismatch);

const isFloat = (value: GraphValue): value is GraphValue & { kind: "tensor" } =>
  value.kind === "tensor" && (value.type === "float32" || value.type === "float64");
const formatOutputs = (outputs: readonly GraphValue[]): string =>
  outputs
    .slice(0, 20)
    .map((value) =>
      value.kind === "tensor"
        ? `${value.name}: ${value.type} [${value.shape?.map((size) => size ?? "?").join(", ") ?? "…"}]`
        : `${value.name}: ${value.kind}`,
    )
    .join("; ");

/** Whether a tensor can hold `width` numbers per row; an open dimension can. */
const hasWidth = (width: number) => {
  return ({ shape }: { readonly shape: readonly (number | string | null)[] | null }): boolean => {
    if (shape === null || (width === 1 && shape.length === 1)) return true;
    const last = shape.at(-1);
    return shape.length === 2 && (typeof last !== "number" || last === width);
  };
};

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

const findValues = (names: readonly string[], outputs: readonly GraphValue[]): FindOutputResult => {
  const floats = outputs.filter(isFloat);
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
      return findValues(valueNames(manifest.output), outputs);
    case "multilabel":
    case "multioutput":
    case "anomaly":
    case "clustering":
    case "ranking":
    case "embedding":
    case "entities":
    case "tensors":
      throw new RangeError(`${manifest.task} is not implemented`);
    default:
      return manifest satisfies never;
  }
};
