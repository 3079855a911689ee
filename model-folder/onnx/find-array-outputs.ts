import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Mismatch } from "./bind-inputs.ts";
import { formatShape, formatSizes } from "./format-graph-value.ts";
import type { GraphValue } from "./graph-value.ts";

type Output<Task extends Manifest["task"]> = Extract<Manifest, { task: Task }>["output"];
type ArrayOutputs =
  | { readonly status: "found"; readonly names: readonly string[]; readonly width: number }
  | ({ readonly status: "missing" } & Mismatch);

type Expected = {
  readonly name: string;
  readonly graphOutput: string;
  readonly elements: readonly string[];
  /** Shapes of one row, of which one must fit. */
  readonly shapes: readonly (readonly (number | null)[])[];
};

const floats = ["float32", "float64", "float16"];

const fits = (sizes: readonly (number | string | null)[], shape: readonly (number | null)[]): boolean =>
  sizes.length === shape.length &&
  sizes.every((size, axis) => typeof size !== "number" || shape[axis] === null || size === shape[axis]);

const findMistake = (
  { name, graphOutput, elements, shapes }: Expected,
  outputs: readonly GraphValue[],
): Mismatch | undefined => {
  const value = outputs.find((output) => output.name === graphOutput);
  if (!value)
    return {
      message: `the graph has no output ${graphOutput} (it has ${outputs
        .slice(0, 20)
        .map((output) => output.name)
        .join(", ")})`,
      remedy: `Name the graph's output of ${name} in model.yaml, as graphOutput.`,
    };
  if (value.kind !== "tensor")
    return {
      message: `the graph's output ${graphOutput} is a ${value.kind}`,
      remedy: "Export it as a tensor.",
    };
  if (!elements.includes(value.type))
    return {
      message: `the graph gives ${graphOutput} as ${value.type}, the manifest says ${elements[0]}`,
      remedy:
        elements.length > 1
          ? "Export it as float."
          : `Write element: ${value.type} for ${name} in model.yaml.`,
    };
  const sizes = value.shape?.slice(1);
  if (sizes === undefined || shapes.some((shape) => fits(sizes, shape))) return undefined;
  return {
    message: `the graph gives ${graphOutput} in the shape ${formatShape(value)}, the manifest says ${shapes.map((shape) => formatSizes(["N", ...shape])).join(" or ")}`,
    remedy: `Correct the shape of ${name} in model.yaml, or export the model with it.`,
  };
};

const findOutputs = (expected: readonly Expected[], outputs: readonly GraphValue[]): ArrayOutputs => {
  for (const each of expected) {
    const mistake = findMistake(each, outputs);
    if (mistake) return { status: "missing", ...mistake };
  }
  return { status: "found", names: expected.map(({ graphOutput }) => graphOutput), width: 0 };
};

/** The outputs of the task tensors, in the manifest's order. */
export const findTensorOutputs = (
  { tensors }: Output<"tensors">,
  outputs: readonly GraphValue[],
): ArrayOutputs =>
  findOutputs(
    tensors.map(({ name, graphOutput, element, shape }) => ({
      name,
      graphOutput: graphOutput ?? name,
      elements: [element],
      shapes: [shape],
    })),
    outputs,
  );

/** The scores of each head, [N, labels]; with two labels also the second one's alone, [N] or [N, 1]. */
export const findHeadOutputs = (
  { heads }: Output<"multioutput">,
  outputs: readonly GraphValue[],
): ArrayOutputs =>
  findOutputs(
    heads.map(({ name, labels, graphOutput }) => ({
      name,
      graphOutput: graphOutput ?? name,
      elements: floats,
      shapes: labels.length === 2 ? [[2], [1], []] : [[labels.length]],
    })),
    outputs,
  );
