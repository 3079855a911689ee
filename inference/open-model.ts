import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoadedModel, loadModel, sampleRow } from "./load-model.ts";
import { readManifest } from "./read-manifest.ts";

/**
 * Opens a model's folder (model.yaml and the ONNX file) and tries one row, so that the first caller does not pay for
 * what onnxruntime does once. Throws ManifestInvalid or ModelUnreadable.
 */
export const openModel = async (folder: string): Promise<LoadedModel> => {
  const manifest = readManifest(await readFile(join(folder, "model.yaml"), "utf8"));
  const model = await loadModel({ manifest, model: { path: join(folder, manifest.artifact) } });
  // A model that cannot answer this row may still answer others: /ready asks again and says so.
  await model.predict([sampleRow(manifest)]).catch(() => undefined);
  return model;
};
