import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { type Input, type Manifest, valueNames } from "../../../inference/manifest.ts";
import { readManifest } from "../../../inference/read-manifest.ts";
import type { Registration } from "../registry.ts";
import { loaderModule } from "./loader-module.ts";

/** What a version belongs to, as MLflow says it. */
export type Place = {
  readonly runId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
};

const columnType: Readonly<Record<Input["type"], string>> = {
  integer: "long",
  number: "double",
  boolean: "boolean",
  category: "string",
  string: "string",
};

/** An optional integer comes as a float, because pandas has no missing integers. */
const column = ({ name, type, required }: Input) => ({
  type: type === "integer" && !required ? "double" : columnType[type],
  name,
  required,
});

const signatureOf = (manifest: Manifest, scores: readonly string[]) => ({
  inputs: JSON.stringify(manifest.inputs.map(column)),
  outputs: JSON.stringify([
    ...(manifest.task === "classification" ? [{ type: "string", name: "label", required: true }] : []),
    ...scores.map((name) => ({ type: "double", name, required: true })),
  ]),
  params: null,
});

const scoresOf = (manifest: Manifest): readonly string[] =>
  manifest.task === "classification" ? manifest.output.labels : valueNames(manifest.output);

/** The manifest, or undefined where it cannot be read: registering is no place to judge it. */
const readable = (text: string): Manifest | undefined => {
  try {
    return readManifest(text);
  } catch {
    return undefined;
  }
};

const text = (content: string): Uint8Array => new Uint8Array(Buffer.from(content, "utf8"));

/** The file that makes a folder a model: it is written last. */
export const modelFile = "MLmodel";
export const onnxFile = "model.onnx";

/**
 * The files of a version in MLflow's model format, in the order in which they are written; the same registration
 * gives the same bytes, so that whoever completes it changes nothing.
 * https://mlflow.org/docs/latest/ml/model/#storage-format
 */
export const mlflowModel = (
  registration: Registration,
  { runId, createdAt }: Place,
): ReadonlyMap<string, Uint8Array> => {
  const { model, delivery, artifact } = registration;
  const manifest = readable(registration.manifest);
  const scores = manifest ? scoresOf(manifest) : [];
  const description = {
    artifact_path: "model",
    flavors: {
      onnx: { code: "code", data: onnxFile, onnx_version: "1", providers: ["CPUExecutionProvider"] },
      python_function: {
        code: "code",
        env: { virtualenv: "python_env.yaml" },
        loader_module: "slipway_model",
        python_version: "3.11.0",
      },
    },
    mlflow_version: "3.14.0",
    model_size_bytes: artifact.byteLength,
    model_uuid: createHash("sha256").update(`${model}\0${delivery}`).digest("hex").slice(0, 32),
    run_id: runId,
    ...(manifest && { signature: signatureOf(manifest, scores) }),
    utc_time_created: new Date(createdAt).toISOString().replace("T", " ").replace("Z", "000"),
  };
  return new Map([
    [onnxFile, artifact],
    ["model.yaml", text(registration.manifest)],
    ["slipway.json", text(JSON.stringify({ scores }))],
    ["code/slipway_model.py", text(loaderModule)],
    ["requirements.txt", text("mlflow>=3.14\nnumpy\nonnx\nonnxruntime\npandas\n")],
    [
      "python_env.yaml",
      text("python: '3.11'\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"),
    ],
    [modelFile, text(stringify(description))],
  ]);
};
