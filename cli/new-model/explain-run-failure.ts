import { NewModelRefused } from "./new-model-refused.ts";

/** onnxruntime's words for a graph whose nodes do not agree on 32 or 64 bits. */
const mixedFloats = /Type Error: Type \(tensor\((float|double)\)\).* of node \(([^)]*)\)/s;

/** Why a graph did not run on the rows, with what to do; a cause that is not known keeps the runtime's own words. */
export const explainRunFailure = (message: string): NewModelRefused => {
  const [mixed, , operator] = mixedFloats.exec(message) ?? [];
  return mixed === undefined
    ? new NewModelRefused(
        `the model does not run on the CSV's rows: ${message}`,
        "Find the cause in Python with ONNX Runtime on these rows, and export again.",
      )
    : new NewModelRefused(
        `the graph mixes 32-bit and 64-bit floats (at ${operator}), so that no runtime opens it: its exporter was given 64-bit rows`,
        'Export it with 32-bit rows, in Python: onnx_model = skl2onnx.to_onnx(model, X[:1].astype("float32")).',
      );
};
