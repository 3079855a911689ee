/**
 * The operators that each version of ONNX's operator set added or redefined, for versions above the oldest that a runtime
 * of this platform read. Source: onnx 1.23.2, `onnx.defs.get_all_schemas_with_history()` (name, since_version).
 */
export const operatorChanges: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [25, new Set(["Attention", "Cast", "CastLike", "Constant", "ConstantOfShape", "DequantizeLinear", "Flatten", "Identity", "If", "Loop", "Pad", "QuantizeLinear", "Reshape", "Scan", "Shape", "Size", "Squeeze", "Transpose", "Unsqueeze"])],
  [26, new Set(["BitCast", "CumProd"])],
  [27, new Set(["CausalConvWithState", "LinearAttention", "Range"])],
  [28, new Set(["BitShift", "Cast", "Celu", "Compress", "DepthToSpace", "DequantizeLinear", "Einsum", "Mod", "OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "QuantizeLinear", "ReduceLogSum", "ReduceLogSumExp", "ReverseSequence", "SpaceToDepth", "SwiGLU", "Unique"])],
]);
