import { TensorElement } from "#model-folder/manifest/task-outputs.ts";
import { formatSizes } from "#model-folder/onnx/format-graph-value.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { refuseTargets } from "./refuse-targets.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

type Tensor = GraphValue & { readonly kind: "tensor" };

const isTensor = (value: GraphValue): value is Tensor => value.kind === "tensor";

/** Whether an output has more dimensions than a table. */
export const holdsTensors = ({ graph }: TaskEvidence): boolean =>
  graph.outputs.filter(isTensor).some(({ shape }) => (shape?.length ?? 0) > 2);

type Shape = readonly (number | null)[];

const countOpen = (sizes: Shape): number => sizes.filter((size) => size === null).length;

/** The graph's sizes of one row; where it leaves several open (torch's exporter often does), those of the run. */
const describeShape = ({ name, shape }: Tensor, { shapes }: TaskEvidence): Shape => {
  const ran = shapes?.get(name);
  if (shapes?.has(name) && ran === undefined)
    throw new NewModelRefused(
      `the first dimension of the graph's output ${name} is not the rows (it is declared as ${shape ? formatSizes(shape) : "[…]"})`,
      "Export it with the rows first (torch: output.transpose(0, 1); the hidden states of an LSTM are [layers, N, width]), or without this output. A reshape to the batch size of the export does the same: use x.shape[0] or flatten(1).",
    );
  const declared = shape?.slice(1).map((size) => (typeof size === "number" ? size : null));
  const sizes =
    declared && countOpen(declared) <= 1 ? declared : ran?.map((size, axis) => declared?.[axis] ?? size);
  if (sizes === undefined || countOpen(sizes) > 1)
    throw new NewModelRefused(
      `more than one dimension of the graph's output ${name} differs between rows`,
      "Export it with fixed sizes, or give rows of one size: at most one dimension besides the rows may differ.",
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
    return { name: value.name.slice(0, 128), element: element.data, shape: describeShape(value, evidence) };
  });
  const settled = evidence.graph.outputs
    .filter(isTensor)
    .filter(({ shape }) => !shape || shape.slice(1).filter((size) => typeof size !== "number").length > 1);
  return {
    task: "tensors",
    output: { tensors },
    truth: [],
    guesses: [
      ...(settled.length > 0
        ? [
            `sizes of ${settled.map(({ name }) => name).join(", ")} that the graph leaves open are those of the run`,
          ]
        : []),
      "task: tensors, all outputs of the graph as they are; another task with --task and --target",
    ],
  };
};
