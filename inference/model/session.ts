import type { InferenceSession, Tensor } from "onnxruntime-node";
import { findBatchSize } from "#model-folder/onnx/find-batch-size.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { explainRuntimeError, isIndexError } from "./explain-runtime-error.ts";
import { exposeHalfBits } from "./expose-half-bits.ts";
import type { Feeds, FeedTensor } from "./feed-tensor.ts";
import { IndexOutOfRange, RunFailed } from "./model-errors.ts";
import type { OnShape } from "./on-shape.ts";
import { runFixedBatches } from "./run-fixed-batches.ts";

/**
 * An open graph, in onnxruntime or compiled. A run takes tensors by name and returns the data of the requested outputs;
 * float16 arrives as Float32Array. A graph with a fixed number of rows takes any number: the rows are split and padded. A
 * run throws IndexOutOfRange or RunFailed.
 */
export type Session = {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  run(feeds: Feeds, outputs: readonly string[], onShape?: OnShape): Promise<unknown[]>;
  /** The same at once, where the engine does not wait: a row takes it microseconds, less than a wait for others. */
  readonly runNow?: (feeds: Feeds, outputs: readonly string[], onShape?: OnShape) => unknown[];
  /** How many runs a compiled graph has left to onnxruntime since the call before; absent: it leaves none. */
  readonly takeOnnxruntimeRuns?: () => number;
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
  // onnxruntime 1.30 (FusedMatMul) multiplies a transposed matrix with a vector wrongly, without an error: scikit-learn's
  // GaussianProcessRegressor has such a product, torch's `x.transpose(1, 2) @ weights` too.
  extra: { optimization: { disable_specified_optimizers: "MatmulTransposeFusion" } },
} as const satisfies InferenceSession.SessionOptions;

const formatError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const toGraphValue = (value: InferenceSession.ValueMetadata): GraphValue =>
  value.isTensor
    ? {
        name: value.name,
        kind: "tensor",
        type: value.type === "uint4" || value.type === "int4" ? "other" : value.type,
        // onnxruntime gives no dimensions where the graph declares no shape. (A scalar, which has none, is no column.)
        shape: value.shape.length === 0 ? null : value.shape.map((size) => (size === "" ? null : size)),
      }
    : { name: value.name, kind: "unknown" };

/** The data of an output; 16-bit floats as 32-bit floats, which hold each of them exactly. */
const readData = (tensor: Tensor | undefined): unknown =>
  tensor?.type === "float16" ? Float32Array.from(tensor.data as Iterable<number>) : tensor?.data;

const toRunError = (error: unknown): Error => {
  const message = formatError(error);
  const sentence = explainRuntimeError(message);
  return isIndexError(message)
    ? new IndexOutOfRange(sentence, { cause: error })
    : new RunFailed(sentence, { cause: error });
};

/** Opens an ONNX file in onnxruntime, by path or bytes. Throws ModelUnreadable if onnxruntime refuses it. */
export const openSession = async (
  model: { readonly path: string } | { readonly bytes: Uint8Array },
  sessionOptions: InferenceSession.SessionOptions = {},
): Promise<Session> => {
  // A dynamic import, so that a missing or broken native library gets a clear error.
  const { default: onnxruntime } = await import("onnxruntime-node").catch((error: unknown) => {
    throw new ModelUnreadable(`ONNX Runtime cannot be loaded: ${formatError(error)}`);
  });
  const { InferenceSession, Tensor } = onnxruntime;
  const options = { ...singleThreadOptions, ...sessionOptions };
  const session = await ("path" in model
    ? InferenceSession.create(model.path, options)
    : InferenceSession.create(model.bytes, options)
  ).catch((error: unknown) => {
    throw new ModelUnreadable(`ONNX Runtime refuses the model: ${explainRuntimeError(formatError(error))}`, {
      cause: error,
    });
  });
  const inputs = session.inputMetadata.map(toGraphValue);
  // onnxruntime's types do not have Float16Array yet; its constructor takes it.
  const toTensor = ({ type, data, dims }: FeedTensor): Tensor =>
    exposeHalfBits(Reflect.construct(Tensor, [type, data, dims]));
  const run: Session["run"] = async (feeds, outputs, onShape) => {
    if (outputs.length === 0)
      throw new RunFailed("the graph has no output that a prediction can be read from");
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toTensor(feed)]));
    const results = await session.run(tensors, outputs).catch((error: unknown) => {
      throw toRunError(error);
    });
    const rows = Object.values(feeds)[0]?.dims[0] ?? 0;
    return outputs.map((name) => {
      const tensor = getOwnProperty(results, name);
      if (tensor) onShape?.(name, tensor.dims, rows);
      return readData(tensor);
    });
  };
  const batch = findBatchSize(inputs);
  return {
    inputs,
    outputs: session.outputMetadata.map(toGraphValue),
    run: batch.status === "fixed" ? runFixedBatches({ batch: batch.rows, run }) : run,
    release: () => session.release(),
  };
};
