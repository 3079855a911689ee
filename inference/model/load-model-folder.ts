import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { modelPlanFile } from "#model-folder/manifest/model-plan-file.ts";
import { preparedManifestFile } from "#model-folder/manifest/prepared-manifest-file.ts";
import type { Plan } from "./compiled/plan.ts";
import { readPlan } from "./compiled/read-plan.ts";
import { createSampleRow, type LoadedModel, loadModel } from "./load-model.ts";

type Options = {
  /** True for a folder in an image: its content was checked, and it may hold the manifest and the plan that the build prepared. */
  readonly ofImage?: boolean;
  /** What another process read from this folder; without a plan it is compiled here. */
  readonly prepared?: Pick<PreparedFolder, "manifest" | "plan"> | undefined;
};

/** Files are read synchronously, because a function's start would wait 3 ms for node:fs/promises. */
const readIfPresent = (path: string): Buffer | undefined => {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
};

/** A shallow check is enough: only a build writes this file, from a checked manifest, into a layer with a fixed digest. */
const isManifest = (prepared: unknown): prepared is Manifest =>
  typeof prepared === "object" && prepared !== null && "inputs" in prepared;

const readPreparedManifest = (folder: string): Manifest | undefined => {
  const bytes = readIfPresent(join(folder, preparedManifestFile));
  const prepared: unknown = bytes && JSON.parse(bytes.toString("utf8"));
  return isManifest(prepared) ? prepared : undefined;
};

/** With a prepared manifest, neither the YAML parser nor the schema is loaded: together they take 80 ms. */
const loadManifest = async (folder: string, { ofImage = false, prepared }: Options): Promise<Manifest> => {
  const manifest = prepared?.manifest ?? (ofImage ? readPreparedManifest(folder) : undefined);
  if (manifest) return manifest;
  const { parseAlreadyCheckedManifest } = await import(
    "#model-folder/manifest/parse-already-checked-manifest.ts"
  );
  return parseAlreadyCheckedManifest(readFileSync(join(folder, "model.yaml"), "utf8"));
};

/**
 * The plan of an image, or of who prepared the folder. A damaged one, or one of another file, is no reason to answer from
 * onnxruntime instead: what was measured on stage and approved is not what is here.
 */
const readPreparedPlan = async (
  folder: string,
  onnxFile: string,
  { ofImage = false, prepared }: Options,
): Promise<Plan | undefined> => {
  const bytes = prepared?.plan ?? (ofImage ? readIfPresent(join(folder, modelPlanFile)) : undefined);
  if (!bytes) return undefined;
  const path = join(folder, onnxFile);
  const { size } = statSync(path);
  return readPlan(bytes, { size, bytes: async () => readFileSync(path) });
};

/**
 * Loads a model's folder (model.yaml and the ONNX file) and predicts one row, so that the first caller does not wait for
 * the engine's one-time work. Throws ManifestInvalid or ModelUnreadable.
 */
export const loadModelFolder = async (folder: string, options: Options = {}): Promise<LoadedModel> => {
  const manifest = await loadManifest(folder, options);
  const onnxFile = getArtifactFile(manifest);
  const model = await loadModel({
    manifest,
    model: { path: join(folder, onnxFile) },
    plan: await readPreparedPlan(folder, onnxFile, options),
    tokenizer: manifest.tokenizer && readFileSync(join(folder, manifest.tokenizer.file)),
  });
  // A model that fails on this row may still predict others; /ready tries again.
  await model.predict([createSampleRow(manifest)]).catch(() => undefined);
  return model;
};
