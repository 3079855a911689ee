import type { Tensor } from "onnxruntime-node";

/**
 * onnxruntime's native code reads 16-bit floats only from a Uint16Array, but its Tensor turns one into a Float16Array, from
 * which the native code reads nothing. This tensor shows it the bits.
 */
export const exposeHalfBits = (tensor: Tensor): Tensor => {
  const data: unknown = tensor.type === "float16" ? tensor.data : undefined;
  if (data instanceof Float16Array)
    Object.defineProperty(tensor, "data", {
      value: new Uint16Array(data.buffer, data.byteOffset, data.length),
    });
  return tensor;
};
