import { TensorElement } from "#model-folder/manifest/task-outputs.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { refuseTargets } from "./refuse-targets.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

type Tensor = GraphValue & { readonly kind: "tensor" };

const isTensor = (value: GraphValue): value is Tensor => value.kind === "tensor";

/** Whether an output has more dimensions than a table. */
export const holdsTensors = ({ graph }: TaskEvidence): boolean =>
  graph.outputs.filter(isTensor).some(({ shape }) => (shape?.length ?? 0) > 2);

const describeShape = ({ name, shape }: Tensor): readonly (number | null)[] => {
  const sizes = shape?.slice(1).map((size) => (typeof size === "number" ? size : null));
  if (sizes === undefined || sizes.filter((size) => size === null).length > 1)
    throw new NewModelRefused(
      `the graph leaves more than one dimension of its output ${name} open`,
      "Export it with fixed sizes: at most one dimension besides the rows may be open.",
    );
  return sizes;
};

/** Outputs as the graph has them. Throws NewModelRefused for shapes that are too open. */
export const inferTensors = (evidence: TaskEvidence): InferredTask => {
  refuseTargets(evidence, "tensors");
  const tensors = evidence.graph.outputs.filter(isTensor).map((value) => {
    const element = TensorElement.safeParse(value.type);
    if (!element.success)
      throw new NewModelRefused(
        `the graph's output ${value.name} has an element type that is not supported`,
        "Export it as float, double, an integer, bool or string.",
      );
    return { name: value.name.slice(0, 128), element: element.data, shape: describeShape(value) };
  });
  return {
    task: "tensors",
    output: { tensors },
    truth: [],
    guesses: ["task: tensors, all outputs of the graph as they are; another task with --task and --target"],
  };
};
