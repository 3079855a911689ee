import type { Tensor } from "onnxruntime-node";

/**
 * onnxruntime's native code reads 16-bit floats only from a Uint16Array, but its Tensor turns one into a Float16Array, from
 * which the native code reads nothing. These feeds show it the bits.
 */
export const exposeHalfBits = (feeds: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> => {
  for (const tensor of Object.values(feeds)) {
    const data: unknown = tensor.type === "float16" ? tensor.data : undefined;
    if (data instanceof Float16Array)
      Object.defineProperty(tensor, "data", {
        value: new Uint16Array(data.buffer, data.byteOffset, data.length),
      });
  }
  return feeds;
};
