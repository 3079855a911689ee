import type { GraphConstant, GraphNode } from "./graph-node.ts";

export type UnstableOperators = {
  /** Operators that draw random numbers: two runs on the same rows may differ. A seed only fixes the first run. */
  readonly random: readonly string[];
  /** Operators that can let the rows of one batch change each other's predictions. */
  readonly acrossRows: readonly string[];
};

const randomOperators = new Set([
  ...["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"],
]);
/** Quantization of a whole batch: its scale comes from the largest value of all rows. */
const batchScaledOperators = new Set([
  ...["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "MatMulIntegerToFloat"],
]);
/** Operators along one axis, and the axis that each uses where its node names none. */
const axisOperators: ReadonlyMap<string, number> = new Map([
  ...(["Softmax", "LogSoftmax", "Hardmax", "LayerNormalization", "TopK"] as const).map(
    (name) => [name, -1] as const,
  ),
  ...(["ArgMax", "ArgMin"] as const).map((name) => [name, 0] as const),
  ["LpNormalization", -1],
]);

type Constants = ReadonlyMap<string, GraphConstant>;

const isDropoutInTraining = ({ operator, inputs, attributes }: GraphNode, constants: Constants): boolean =>
  operator === "Dropout" &&
  (constants.get(inputs[2] ?? "")?.values?.[0] === 1 || attributes.get("is_test")?.int === 0);

const reducesRows = ({ operator, inputs, attributes }: GraphNode, constants: Constants): boolean => {
  if (!operator.startsWith("Reduce")) return false;
  const axes = constants.get(inputs[1] ?? "")?.values ?? attributes.get("axes")?.values;
  // An axis that is computed is no constant; without axes it reduces all dimensions.
  return axes ? axes.includes(0) : !inputs[1] && attributes.get("noop_with_empty_axes")?.int !== 1;
};

const mixesRows = (node: GraphNode, constants: Constants): boolean => {
  const { operator, inputs, attributes } = node;
  if (batchScaledOperators.has(operator)) return true;
  if (operator === "BatchNormalization") return attributes.get("training_mode")?.int === 1;
  if (operator === "MeanVarianceNormalization") return attributes.get("axes")?.values?.includes(0) ?? true;
  if (operator === "CumSum") return constants.get(inputs[1] ?? "")?.values?.[0] === 0;
  const axis = axisOperators.get(operator);
  if (axis !== undefined) return (attributes.get("axis")?.int ?? axis) === 0;
  return reducesRows(node, constants);
};

/** Lists the operators that can make a prediction depend on more than its row. Most graphs have none. */
export const findUnstableOperators = (
  nodes: readonly GraphNode[],
  constants: Constants,
): UnstableOperators => {
  const random = new Set<string>();
  const acrossRows = new Set<string>();
  for (const node of nodes) {
    if (node.domain !== "" && node.domain !== "com.microsoft") continue;
    if (randomOperators.has(node.operator)) random.add(node.operator);
    else if (isDropoutInTraining(node, constants)) random.add("Dropout (in training mode)");
    else if (mixesRows(node, constants)) acrossRows.add(node.operator);
  }
  return { random: [...random], acrossRows: [...acrossRows] };
};
