/** A node as this analysis looks at it. */
export type GraphNode = {
  readonly operator: string;
  readonly domain: string;
  /** Names of its first inputs, "" for those that are left out. */
  readonly inputs: readonly string[];
  /** Whether there are more inputs than these. */
  readonly more: boolean;
  /** Name of its first output. */
  readonly output: string;
};

/** Operators whose work or output the values in a request decide, whatever else they are given. */
const dataDependentOperators = new Set([
  ...["Loop", "Scan", "If", "SequenceMap", "NonZero", "Range", "Unique", "Compress", "NonMaxSuppression"],
  ...["SplitToSequence", "ConcatFromSequence", "StringSplit", "StringConcat", "MaxUnpool", "Col2Im"],
  ...["HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", "STFT", "DFT", "RoiAlign"],
  // Its nodes name each other by index, in either direction: a circle is not excluded.
  "TreeEnsemble",
]);

/** Operators that make an output as large as these inputs say. */
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

/** What gives sizes of the request, or picks and orders them; nothing that adds or multiplies them. */
const sizeOperators = new Set(["Constant", "Shape", "Size"]);
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

/** Of Microsoft's own operators, those that optimisers write for what standard operators do: as bounded as they are. */
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

/** Whether the analysis needs to see a node of this operator. */
export const isRelevantOperator = (operator: string, domain: string): boolean =>
  domain === "com.microsoft" ||
  dataDependentOperators.has(operator) ||
  sizeDependentOperators.has(operator) ||
  sizeOperators.has(operator) ||
  selectionOperators.has(operator);

/**
 * Why one run of a graph may take any time or memory, whatever the number of rows: the operator that lets values of the
 * request decide how often something is done or how large it becomes. Undefined where sizes come from constants and
 * from the sizes of the request alone. Careful: what it does not know counts as unbounded.
 * @param nodes those that matter, in the file's order, in which each stands behind what it takes
 * @param constants names of the graph's stored tensors
 */
export const findUnboundedOperator = (
  nodes: readonly GraphNode[],
  constants: ReadonlySet<string>,
): string | undefined => {
  const sizes = new Set(constants);
  const isSize = (name: string | undefined): boolean => !name || sizes.has(name);
  for (const { operator, domain, inputs, more, output } of nodes) {
    if (domain === "com.microsoft") {
      if (!fusedOperators.has(operator)) return `com.microsoft.${operator}`;
      continue;
    }
    if (dataDependentOperators.has(operator)) return operator;
    if (sizeDependentOperators.get(operator)?.some((at) => !isSize(inputs[at]))) return operator;
    if (sizeOperators.has(operator) || (selectionOperators.has(operator) && !more && inputs.every(isSize)))
      sizes.add(output);
  }
  return undefined;
};
