import type { GraphNode } from "./graph-node.ts";

/** Operators whose run time or output size always depends on the values of a request. */
const dataDependentOperators = new Set([
  ...["Loop", "Scan", "If", "SequenceMap", "NonZero", "Range", "Unique", "Compress", "NonMaxSuppression"],
  ...["SplitToSequence", "ConcatFromSequence", "StringSplit", "StringConcat", "MaxUnpool", "Col2Im"],
  ...["HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", "STFT", "DFT", "RoiAlign"],
  // Its nodes reference each other by index in both directions: cycles are possible.
  "TreeEnsemble",
]);

/** Operators whose output size depends on the values of these inputs. */
const sizeDependentOperators: ReadonlyMap<string, readonly number[]> = new Map([
  ["ConstantOfShape", [0]],
  ["Expand", [1]],
  ["Tile", [1]],
  ["Pad", [1]],
  ["Resize", [1, 2, 3]],
  ["Upsample", [1]],
  ["OneHot", [1]],
  ["TopK", [1]],
  ["CenterCropPad", [1]],
  ["AffineGrid", [1]],
]);

/** Operators that return sizes of the request. */
const sizeOperators = new Set(["Constant", "Shape", "Size"]);
/** Operators that select or reorder sizes; none of them adds or multiplies. */
const selectionOperators = new Set([
  "Gather",
  "Slice",
  "Concat",
  "Unsqueeze",
  "Squeeze",
  "Cast",
  "Identity",
  "Reshape",
  "Min",
]);

/** Microsoft's operators that optimisers use in place of standard operators, and that are as bounded as those. */
const fusedOperators = new Set([
  ...["Attention", "MultiHeadAttention", "QAttention", "EmbedLayerNormalization", "QEmbedLayerNormalization"],
  ...[
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
    "QuickGelu",
    "Gelu",
    "FastGelu",
    "BiasGelu",
  ],
  ...["FusedMatMul", "FusedGemm", "FusedConv", "TransposeMatMul", "MatMulNBits", "MatMulInteger16", "QGemm"],
  ...["DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "MatMulIntegerToFloat", "QLinearAdd", "QLinearMul"],
  ...["QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "QLinearConcat", "QLinearAveragePool"],
  ...[
    "QLinearGlobalAveragePool",
    "QuantizeLinear",
    "DequantizeLinear",
    "NhwcMaxPool",
    "BiasSplitGelu",
    "CDist",
  ],
]);

/**
 * Finds the operator that lets the values of a request decide how often something runs or how large it becomes: then one
 * run can take any time or memory, even with one row. Undefined if all sizes come from constants and from the request's
 * shape. An unknown operator counts as unbounded.
 * @param nodes the nodes in the file's order, each after the nodes whose outputs it uses
 * @param constants names of the graph's initializers
 */
export const findUnboundedOperator = (
  nodes: readonly GraphNode[],
  constants: ReadonlySet<string>,
): string | undefined => {
  const sizes = new Set(constants);
  const isSize = (name: string | undefined): boolean => !name || sizes.has(name);
  for (const { operator, domain, inputs, hasMoreInputs, outputs } of nodes) {
    if (domain === "com.microsoft") {
      if (!fusedOperators.has(operator)) return `com.microsoft.${operator}`;
      continue;
    }
    if (dataDependentOperators.has(operator)) return operator;
    if (sizeDependentOperators.get(operator)?.some((index) => !isSize(inputs[index]))) return operator;
    if (
      sizeOperators.has(operator) ||
      (selectionOperators.has(operator) && !hasMoreInputs && inputs.every(isSize))
    )
      sizes.add(outputs[0] ?? "");
  }
  return undefined;
};
