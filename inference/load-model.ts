import type { InferenceSession, Tensor } from "onnxruntime-node";
import { bindInputs } from "./bind-inputs.ts";
import type { GraphValue } from "./element-type.ts";
import { type EncodedColumn, encodeRows, type RowProblem } from "./encode-rows.ts";
import { findOutput } from "./find-output.ts";
import type { Manifest, Prediction, Row } from "./manifest.ts";
import { ModelUnreadable } from "./model-unreadable.ts";
import { readPredictions } from "./read-predictions.ts";

/** Rows that do not fit the model's inputs: the caller's mistake, one entry for each bad value. */
export class RowsInvalid extends Error {
  override readonly name = "RowsInvalid";
  readonly problems: readonly RowProblem[];
  constructor(problems: readonly RowProblem[]) {
    super(problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join("\n"));
    this.problems = problems;
  }
}

/** A model in memory that answers rows. */
export type LoadedModel = {
  readonly manifest: Manifest;
  /**
   * Answers each row. Takes anything, as it came from the caller.
   * Throws RowsInvalid (the caller's mistake) or OutputNotFinite (the model's).
   */
  predict(rows: unknown): Promise<Prediction[]>;
  /** Frees the native memory. */
  release(): Promise<void>;
};

/** A row that every model with this manifest must take: least numbers, first categories. */
export const sampleRow = (manifest: Pick<Manifest, "inputs">): Row =>
  Object.fromEntries(
    manifest.inputs.map((input) => {
      switch (input.type) {
        case "integer":
        case "number":
          return [input.name, input.min];
        case "boolean":
          return [input.name, false];
        case "category":
          return [input.name, input.values[0] ?? ""];
        case "string":
          return [input.name, "a"];
        default:
          return input satisfies never;
      }
    }),
  );

/** One thread: a function of up to 1,769 MB has one processor, and a second thread only takes turns with the first. */
const oneThread = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  logSeverityLevel: 4,
} as const satisfies InferenceSession.SessionOptions;

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const graphValue = (value: InferenceSession.ValueMetadata): GraphValue =>
  value.isTensor
    ? {
        name: value.name,
        kind: "tensor",
        type: value.type === "uint4" || value.type === "int4" ? "other" : value.type,
        shape: value.shape.map((size) => (size === "" ? null : size)),
      }
    : { name: value.name, kind: "unknown" };

type Options = {
  readonly manifest: Manifest;
  /** The ONNX file: where it lies, or its bytes. */
  readonly model: { readonly path: string } | { readonly bytes: Uint8Array };
  readonly sessionOptions?: InferenceSession.SessionOptions;
};

/**
 * Loads an ONNX model and binds it to its manifest. Throws ModelUnreadable where onnxruntime refuses the file or the
 * graph does not fit the manifest.
 */
export const loadModel = async ({ manifest, model, sessionOptions }: Options): Promise<LoadedModel> => {
  // Imported here, so that a missing or broken native library is an error of ours with a sentence.
  const { InferenceSession, Tensor } = await import("onnxruntime-node").catch((error: unknown) => {
    throw new ModelUnreadable(`onnxruntime cannot be loaded: ${reason(error)}`);
  });
  const options = { ...oneThread, ...sessionOptions };
  const session = await ("path" in model
    ? InferenceSession.create(model.path, options)
    : InferenceSession.create(model.bytes, options)
  ).catch((error: unknown) => {
    throw new ModelUnreadable(`onnxruntime refuses the model: ${reason(error)}`);
  });
  const bound = bindInputs(manifest, session.inputMetadata.map(graphValue));
  if (bound.status === "mismatched")
    throw new ModelUnreadable(bound.mismatches.map(({ message }) => message).join("\n"));
  const output = findOutput(manifest, session.outputMetadata.map(graphValue));
  if (output.status === "missing") throw new ModelUnreadable(output.message);

  const encode = encodeRows(bound.columns);
  const decode = readPredictions(manifest);
  const fetches = [output.name];
  const tensor = ({ type, data, dims }: EncodedColumn): Tensor => new Tensor(type, data, dims);
  return {
    manifest,
    predict: async (rows) => {
      const encoded = encode(rows);
      if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
      const feeds: Record<string, Tensor> = {};
      for (const column of encoded.columns) feeds[column.name] = tensor(column);
      const { data } = (await session.run(feeds, fetches))[output.name] ?? {};
      return decode(data, encoded.rows);
    },
    release: () => session.release(),
  };
};
