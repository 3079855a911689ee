import { readFileSync, statSync } from "node:fs";
import type { InferenceSession } from "onnxruntime-node";
import { openImagesIfAny } from "#inference/image/open-images-if-any.ts";
import type { Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { openCompiledSession } from "./compiled/open-compiled-session.ts";
import type { Plan } from "./compiled/plan.ts";
import { createSampleImage } from "./create-sample-image.ts";
import { createSampleTensor } from "./create-sample-tensor.ts";
import type { Engine } from "./engine.ts";
import type { ColumnPath } from "./predict-columns.ts";
import { predictTable } from "./predict-table.ts";
import { readPredictions } from "./read-predictions.ts";
import type { Session } from "./session.ts";

/** A model in memory. */
export type LoadedModel = {
  readonly manifest: Manifest;
  readonly engine: Engine;
  /**
   * Predicts each row. `rows` is untrusted input of the caller.
   * Throws RowsInvalid (the caller's mistake) or OutputNotFinite (the model's).
   */
  predict(rows: unknown): Promise<Prediction[]>;
  /** The same from a body's bytes without objects; absent where the model needs objects. */
  readonly columns?: ColumnPath | undefined;
  /** How many runs a compiled model has left to onnxruntime since the call before; absent: it leaves none. */
  readonly takeOnnxruntimeRuns?: (() => number) | undefined;
  /** Frees the native memory. */
  release(): Promise<void>;
  /** Seconds until it accepts requests again; undefined, or no such function: now. */
  retryAfter?(): number | undefined;
};

/** Creates a row that every model with this manifest must accept: lowest numbers, first categories. */
export const createSampleRow = (manifest: Pick<Manifest, "inputs">): Row =>
  Object.fromEntries(
    manifest.inputs.map((input): [string, Row[string]] => {
      switch (input.type) {
        case "integer":
        case "number":
          return [input.name, input.min];
        case "boolean":
          return [input.name, false];
        case "category":
          return [input.name, input.values[0] ?? ""];
        case "string":
          return [input.name, input.format === "int64" ? "0" : "a"];
        case "tensor":
          return [input.name, createSampleTensor(input)];
        case "image":
          return [input.name, createSampleImage(input)];
        default:
          return input satisfies never;
      }
    }),
  );

type OnnxSource = { readonly path: string } | { readonly bytes: Uint8Array };
type Options = {
  readonly manifest: Manifest;
  /** The ONNX file: its path or its bytes. */
  readonly model: OnnxSource;
  /** The plan that a build compiled; absent: it is compiled here. `onnxruntime`: it answers in any case. */
  readonly plan?: Plan | "onnxruntime" | undefined;
  /** The content of the manifest's tokenizer file, if it names one. */
  readonly tokenizer?: Uint8Array | undefined;
  readonly sessionOptions?: InferenceSession.SessionOptions;
};

const createPredict = async (
  manifest: Manifest,
  session: Session,
  tokenizer: Uint8Array | undefined,
): Promise<Pick<LoadedModel, "predict" | "columns">> => {
  const output = findOutput(manifest, session.outputs);
  if (output.status === "missing") throw new ModelUnreadable(output.message);
  const dependencies = {
    session,
    outputs: output.label === undefined ? output.names : [...output.names, output.label],
    read: readPredictions(manifest, output.width),
  };
  if (!manifest.tokenizer) return predictTable(manifest, { ...dependencies, width: output.width });
  if (!tokenizer) throw new ModelUnreadable(`${manifest.tokenizer.file} is missing beside the model`);
  const isEntities = manifest.task === "entities";
  // Only text models load these modules, which keeps other cold starts short.
  const [{ openTokenizer }, { limitTokens, predictTexts }] = await Promise.all([
    import("#inference/text/open-tokenizer.ts"),
    import("#inference/text/predict-texts.ts"),
  ]);
  const maxTokens = limitTokens(session.inputs, manifest.tokenizer.maxTokens);
  const predict = await predictTexts(manifest, {
    ...dependencies,
    images: await openImagesIfAny(manifest),
    tokenizer: openTokenizer(tokenizer, maxTokens, { isPair: manifest.tokenizer.pair !== undefined }),
    maxTokens,
    needsOffsets: isEntities,
    // Entities beyond the limit would be missing, and nobody would notice.
    refuseCutTexts: isEntities,
  });
  return { predict };
};

/** A dynamic import, because an image holds the plan, and the compiler is in the way of a cold start. */
const compile = async (manifest: Manifest, model: OnnxSource): Promise<Plan> => {
  const { compilePlan } = await import("./compiled/compile-plan.ts");
  if ("bytes" in model)
    return compilePlan(manifest, { size: model.bytes.length, bytes: async () => model.bytes });
  const file = statSync(model.path, { throwIfNoEntry: false });
  // onnxruntime says what is wrong with a file that is missing.
  if (!file) return { status: "not-compiled", why: "the ONNX file is missing" };
  return compilePlan(manifest, { size: file.size, bytes: async () => readFileSync(model.path) });
};

/** onnxruntime is loaded only where it answers: it takes 35 ms of a cold start. */
const open = async (
  plan: Plan,
  { model, sessionOptions }: Options,
): Promise<{ readonly session: Session; readonly engine: Engine }> => {
  const openReference = async (): Promise<Session> => {
    const { openSession } = await import("./session.ts");
    return openSession(model, sessionOptions);
  };
  if (plan.status === "compiled")
    return { session: openCompiledSession(plan, openReference), engine: { name: "compiled" } };
  return {
    session: await openReference(),
    engine: { name: "onnxruntime", reason: plan.why },
  };
};

/**
 * Loads an ONNX model and binds it to its manifest: compiled where that is possible, otherwise in onnxruntime. Throws
 * ModelUnreadable if onnxruntime refuses the file, the graph does not match the manifest, or the tokenizer cannot be read.
 */
export const loadModel = async (options: Options): Promise<LoadedModel> => {
  const { manifest, model, tokenizer } = options;
  const plan: Plan =
    options.plan === "onnxruntime"
      ? { status: "not-compiled", why: "onnxruntime was asked for" }
      : (options.plan ?? (await compile(manifest, model)));
  const { session, engine } = await open(plan, options);
  return {
    manifest,
    engine,
    ...(await createPredict(manifest, session, tokenizer)),
    takeOnnxruntimeRuns: session.takeOnnxruntimeRuns,
    release: () => session.release(),
  };
};
