import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import type { Mismatch } from "./bind-inputs.ts";
import type { GraphValue } from "./graph-value.ts";

/**
 * The outputs that are fetched: scores [N, labels], the second label's probability alone ([N] or [N, 1]), or values
 * as one tensor [N, values] or as one tensor [N] or [N, 1] for each.
 */
type FindOutputResult =
  | {
      readonly status: "found";
      readonly names: readonly string[];
      /** Numbers that each of these outputs holds for a row. */
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

/** Whether a tensor holds `width` numbers for each row, as far as the graph says. */
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
  const fits = floats.filter(hasWidth(labels));
  // Where several fit, exporters name the probabilities so; raw scores beside them have other names.
  const found = fits.find((value) => /prob/i.test(value.name)) ?? (fits.length === 1 ? fits[0] : undefined);
  if (found) return { status: "found", names: [found.name], width: labels };
  const [single, ...others] = floats.filter(hasWidth(1));
  if (labels === 2 && fits.length === 0 && single && others.length === 0)
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
  const fits = floats.filter(hasWidth(names.length));
  const found =
    fits.find(({ name }) => names.length === 1 && name === names[0]) ??
    (fits.length === 1 ? fits[0] : undefined);
  return found
    ? { status: "found", names: [found.name], width: names.length }
    : {
        status: "missing",
        message: `no single output of the graph holds ${names.length === 1 ? "one value" : `${names.length} values`} a row, a float tensor [N, ${names.length}] (it has ${formatOutputs(outputs)})`,
        remedy:
          "Export the values as one tensor, or name the graph's outputs in model.yaml under output.name (or output.names).",
      };
};

/** Which of the graph's outputs hold what the manifest promises. */
export const findOutput = (manifest: Manifest, outputs: readonly GraphValue[]): FindOutputResult => {
  switch (manifest.task) {
    case "classification":
      return findScores(manifest.output.labels.length, outputs);
    case "regression":
      return findValues(valueNames(manifest.output), outputs);
    default:
      return manifest satisfies never;
  }
};
