import type { Mismatch } from "./bind-inputs.ts";
import type { GraphValue } from "./element-type.ts";
import type { Manifest } from "./manifest.ts";

/** The one output that is fetched: probabilities [N, labels], or values [N] or [N, 1]. */
export type Output =
  | { readonly status: "found"; readonly name: string; readonly width: number }
  | ({ readonly status: "missing" } & Mismatch);

const isFloat = (value: GraphValue): value is GraphValue & { kind: "tensor" } =>
  value.kind === "tensor" && (value.type === "float32" || value.type === "float64");
const shown = (outputs: readonly GraphValue[]): string =>
  outputs
    .slice(0, 20)
    .map((value) =>
      value.kind === "tensor"
        ? `${value.name}: ${value.type} [${value.shape?.map((size) => size ?? "?").join(", ") ?? "…"}]`
        : `${value.name}: ${value.kind}`,
    )
    .join("; ");

const findProbabilities = (labels: number, outputs: readonly GraphValue[]): Output => {
  if (outputs.some((value) => value.kind === "sequence" || value.kind === "map"))
    return {
      status: "missing",
      message: "the graph ends in ZipMap: its probabilities are a sequence of maps",
      remedy:
        "Export with options={'zipmap': False} (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}}); onnxmltools: zipmap=False).",
    };
  const fits = outputs.filter(isFloat).filter(({ shape }) => {
    const last = shape?.at(-1);
    return (shape === null || shape.length === 2) && (typeof last !== "number" || last === labels);
  });
  // Where several fit, exporters name the probabilities so; raw scores beside them have other names.
  const found = fits.find((value) => /prob/i.test(value.name)) ?? (fits.length === 1 ? fits[0] : undefined);
  return found
    ? { status: "found", name: found.name, width: labels }
    : {
        status: "missing",
        message: `no output of the graph holds the probabilities of ${labels} labels, a float tensor [N, ${labels}] (it has ${shown(outputs)})`,
        remedy:
          "List the labels in model.yaml in the order of the probabilities' columns, or export the probabilities (an output whose name holds `prob` is preferred).",
      };
};

const findValue = (name: string, outputs: readonly GraphValue[]): Output => {
  const fits = outputs
    .filter(isFloat)
    .filter(
      ({ shape }) =>
        shape === null ||
        shape.length === 1 ||
        (shape.length === 2 && (typeof shape[1] !== "number" || shape[1] === 1)),
    );
  const found = fits.find((value) => value.name === name) ?? (fits.length === 1 ? fits[0] : undefined);
  return found
    ? { status: "found", name: found.name, width: 1 }
    : {
        status: "missing",
        message: `no single output of the graph holds one value a row, a float tensor [N, 1] (it has ${shown(outputs)})`,
        remedy: "Export one value a row, or name that output in model.yaml under output.name.",
      };
};

/** Which of the graph's outputs holds what the manifest promises. */
export const findOutput = (manifest: Manifest, outputs: readonly GraphValue[]): Output => {
  switch (manifest.task) {
    case "classification":
      return findProbabilities(manifest.output.labels.length, outputs);
    case "regression":
      return findValue(manifest.output.name, outputs);
    default:
      return manifest satisfies never;
  }
};
