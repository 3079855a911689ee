import { defaultOnnxLimits, inspectOnnx } from "#model-folder/onnx/inspect-onnx.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";

/** Why an ONNX file is refused; `accepted` if it is not. */
export const findRefusal = (bytes: Uint8Array, limits = defaultOnnxLimits): string => {
  try {
    inspectOnnx(bytes, limits);
    return "accepted";
  } catch (error) {
    if (error instanceof ModelUnreadable) return error.message;
    throw error;
  }
};
