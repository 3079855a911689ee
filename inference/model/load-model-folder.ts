import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { preparedManifestFile } from "#model-folder/manifest/prepared-manifest-file.ts";
import { createSampleRow, type LoadedModel, loadModel } from "./load-model.ts";

type Options = {
  /** True where the folder is an image's: it may hold the manifest that its build made ready, and is as it was checked. */
  readonly ofImage?: boolean;
};

/** By construction: only a build writes this file, from a manifest that it checked, into a layer that its digest seals. */
const isManifest = (prepared: unknown): prepared is Manifest =>
  typeof prepared === "object" && prepared !== null && "inputs" in prepared;

const readPreparedManifest = async (folder: string): Promise<Manifest | undefined> => {
  const text = await readFile(join(folder, preparedManifestFile), "utf8").catch(() => undefined);
  const prepared: unknown = text === undefined ? undefined : JSON.parse(text);
  return isManifest(prepared) ? prepared : undefined;
};

/** Neither the YAML reader nor the schema is loaded where a prepared manifest is there: together they cost 80 ms. */
const loadManifest = async (folder: string, { ofImage = false }: Options): Promise<Manifest> => {
  const prepared = ofImage ? await readPreparedManifest(folder) : undefined;
  if (prepared) return prepared;
  const { parseCheckedManifest } = await import("#model-folder/manifest/parse-checked-manifest.ts");
  return parseCheckedManifest(await readFile(join(folder, "model.yaml"), "utf8"));
};

/**
 * Opens a model's folder (model.yaml and the ONNX file) and tries one row, so that the first caller does not pay for
 * what onnxruntime does once. Throws ManifestInvalid or ModelUnreadable.
 */
export const loadModelFolder = async (folder: string, options: Options = {}): Promise<LoadedModel> => {
  const manifest = await loadManifest(folder, options);
  const model = await loadModel({
    manifest,
    model: { path: join(folder, manifest.artifact) },
    tokenizer: manifest.tokenizer && (await readFile(join(folder, manifest.tokenizer.file))),
  });
  // A model that cannot answer this row may still answer others: /ready asks again and says so.
  await model.predict([createSampleRow(manifest)]).catch(() => undefined);
  return model;
};
