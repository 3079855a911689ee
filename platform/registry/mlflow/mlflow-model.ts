import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import { listScoreNames } from "#model-folder/manifest/list-score-names.ts";
import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { type FileContent, measureSize } from "#platform/files/file-content.ts";
import type { Registration } from "#platform/registry/registry.ts";
import { loaderModule } from "./loader-module.ts";
import { modelFile, onnxFile } from "./model-files.ts";

/** The MLflow run of a version. */
type MlflowRun = {
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
  // No model with these has a signature: the loader reads no arrays.
  tensor: "string",
  image: "string",
};

/** An optional integer is a double, because pandas has no missing integers. */
const toColumn = ({ name, type, required }: Input) => ({
  type: type === "integer" && !required ? "double" : columnType[type],
  name,
  required,
});

/** What the loader predicts in Python; other models are registered as ONNX alone. */
const isLoaderTask = ({ task, inputs }: Manifest): boolean =>
  (task === "classification" || task === "regression") && !inputs.some(isArrayInput);

const createModelSignature = (manifest: Manifest) => {
  const output = manifest.task === "classification" ? manifest.output : undefined;
  const labelColumns = [
    ...(output ? [{ type: output.labelType === "integer" ? "long" : "string", name: "label" }] : []),
    ...(output?.bands ? [{ type: "string", name: "band" }] : []),
  ];
  const scores = listScoreNames(manifest)
    .filter((score) => !labelColumns.some(({ name }) => name === score))
    .map((name) => ({ type: "double", name }));
  return {
    inputs: JSON.stringify(manifest.inputs.map(toColumn)),
    outputs: JSON.stringify([...labelColumns, ...scores].map((column) => ({ ...column, required: true }))),
    params: null,
  };
};

/** The parts of the manifest that the loader needs. */
const toLoaderManifest = (manifest: Manifest) => {
  const output = manifest.task === "classification" ? manifest.output : undefined;
  return {
    inputs: manifest.inputs.map((input) => ({
      name: input.name,
      type: input.type,
      ...("values" in input && { values: input.values }),
    })),
    labels: output?.labelType === "integer" ? output.labels.map(Number) : (output?.labels ?? []),
    scores: listScoreNames(manifest),
    logits: output?.scores === "logits",
    ...(output?.scores === "decision" &&
      output.labels.length === 2 && { decision: output.labels.indexOf(output.positive ?? "") }),
    ...(output?.labelOutput !== undefined && { labelOutput: output.labelOutput }),
    ...(output?.bands && { bands: { ...output.bands, place: output.labels.indexOf(output.positive ?? "") } }),
    ...(manifest.tokenizer && {
      maxTokens: manifest.tokenizer.maxTokens,
      texts: listTextInputs(manifest),
    }),
  };
};

/** Undefined for an invalid manifest: it was checked before, and must not fail the registration. */
const tryReadManifest = (text: string): Manifest | undefined => {
  try {
    return readManifest(text);
  } catch {
    return undefined;
  }
};

const encodeText = (content: string): Uint8Array => new Uint8Array(Buffer.from(content, "utf8"));

/**
 * The files of a version in MLflow's model format, in the order of writing. The same registration gives the same bytes,
 * so completing an interrupted one changes nothing.
 * https://mlflow.org/docs/latest/ml/model/#storage-format
 */
export const createMlflowModel = (
  registration: Registration,
  { runId, createdAt }: MlflowRun,
): ReadonlyMap<string, FileContent> => {
  const { model, delivery, artifact, tokenizer } = registration;
  const manifest = tryReadManifest(registration.manifest);
  const description = {
    artifact_path: "model",
    flavors: {
      onnx: { code: "code", data: onnxFile, onnx_version: "1", providers: ["CPUExecutionProvider"] },
      ...((!manifest || isLoaderTask(manifest)) && {
        python_function: {
          code: "code",
          env: { virtualenv: "python_env.yaml" },
          loader_module: "slipway_model",
          python_version: "3.11.0",
        },
      }),
    },
    mlflow_version: "3.14.0",
    model_size_bytes: measureSize(artifact),
    model_uuid: createHash("sha256").update(`${model}\0${delivery}`).digest("hex").slice(0, 32),
    run_id: runId,
    ...(manifest && isLoaderTask(manifest) && { signature: createModelSignature(manifest) }),
    utc_time_created: new Date(createdAt).toISOString().replace("T", " ").replace("Z", "000"),
  };
  return new Map<string, FileContent>([
    [onnxFile, artifact],
    ...(tokenizer ? [["tokenizer.json", tokenizer] as const] : []),
    ["model.yaml", encodeText(registration.manifest)],
    ["slipway.json", encodeText(JSON.stringify(manifest ? toLoaderManifest(manifest) : null))],
    ["code/slipway_model.py", encodeText(loaderModule)],
    [
      "requirements.txt",
      encodeText(`mlflow>=3.14\nnumpy\nonnx\nonnxruntime\npandas\n${tokenizer ? "tokenizers\n" : ""}`),
    ],
    [
      "python_env.yaml",
      encodeText("python: '3.11'\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"),
    ],
    [modelFile, encodeText(stringify(description))],
  ]);
};
