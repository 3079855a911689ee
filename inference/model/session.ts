import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { exposeHalfBits } from "./expose-half-bits.ts";

/** A graph in onnxruntime. A run takes tensors by name and returns the data of the requested outputs. */
export type Session = {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly Tensor: typeof Tensor;
  run(feeds: Readonly<Record<string, Tensor>>, outputs: readonly string[]): Promise<unknown[]>;
  /** Frees the native memory. */
  release(): Promise<void>;
};

/** A function with up to 1,769 MB has one CPU, so a second thread does not help. */
const singleThreadOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  logSeverityLevel: 4,
} as const satisfies InferenceSession.SessionOptions;

const formatError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const toGraphValue = (value: InferenceSession.ValueMetadata): GraphValue =>
  value.isTensor
    ? {
        name: value.name,
        kind: "tensor",
        type: value.type === "uint4" || value.type === "int4" ? "other" : value.type,
        shape: value.shape.map((size) => (size === "" ? null : size)),
      }
    : { name: value.name, kind: "unknown" };

/** Opens an ONNX file by path or bytes. Throws ModelUnreadable if onnxruntime refuses it. */
export const openSession = async (
  model: { readonly path: string } | { readonly bytes: Uint8Array },
  sessionOptions: InferenceSession.SessionOptions = {},
): Promise<Session> => {
  // A dynamic import, so that a missing or broken native library gets a clear error.
  const { default: onnxruntime } = await import("onnxruntime-node").catch((error: unknown) => {
    throw new ModelUnreadable(`onnxruntime cannot be loaded: ${formatError(error)}`);
  });
  const { InferenceSession, Tensor } = onnxruntime;
  const options = { ...singleThreadOptions, ...sessionOptions };
  const session = await ("path" in model
    ? InferenceSession.create(model.path, options)
    : InferenceSession.create(model.bytes, options)
  ).catch((error: unknown) => {
    throw new ModelUnreadable(`onnxruntime refuses the model: ${formatError(error)}`);
  });
  return {
    inputs: session.inputMetadata.map(toGraphValue),
    outputs: session.outputMetadata.map(toGraphValue),
    Tensor,
    run: async (feeds, outputs) => {
      const results = await session.run(exposeHalfBits(feeds), outputs);
      return outputs.map((name) => getOwnProperty(results, name)?.data);
    },
    release: () => session.release(),
  };
};
