import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { ManifestInvalid } from "./folder-problem.ts";
import { type LoadedModel, loadModel, sampleRow } from "./load-model.ts";
import { Manifest } from "./manifest.ts";

/**
 * The manifest of a folder that was checked before it came here. Its mistakes are told without their lines: what
 * finds the lines (readManifest) would cost each cold start 20 ms.
 */
const checkedManifest = (text: string): Manifest => {
  try {
    return Manifest.parse(parse(text));
  } catch (error) {
    throw new ManifestInvalid([
      {
        severity: "error",
        file: "model.yaml",
        path: "",
        message: error instanceof Error ? error.message : "cannot be read",
        remedy: "Run `slipway check` on the model's folder: it names the lines.",
      },
    ]);
  }
};

/**
 * Opens a model's folder (model.yaml and the ONNX file) and tries one row, so that the first caller does not pay for
 * what onnxruntime does once. Throws ManifestInvalid or ModelUnreadable.
 */
export const openModel = async (folder: string): Promise<LoadedModel> => {
  const manifest = checkedManifest(await readFile(join(folder, "model.yaml"), "utf8"));
  const model = await loadModel({
    manifest,
    model: { path: join(folder, manifest.artifact) },
    tokenizer: manifest.tokenizer && (await readFile(join(folder, manifest.tokenizer.file))),
  });
  // A model that cannot answer this row may still answer others: /ready asks again and says so.
  await model.predict([sampleRow(manifest)]).catch(() => undefined);
  return model;
};
