import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readManifest } from "../manifest/read-manifest.ts";
import { inspectOnnx } from "../model/inspect-onnx.ts";
import { ModelUnreadable } from "../model/model-unreadable.ts";
import { defaultTrialLimits, type TrialLimits, tryModel } from "./try-model.ts";

/**
 * Reads a model's folder and lets it answer a row in a process with limits, as the check does, before anything here
 * opens it: within this process a graph that loops for ever could not be stopped. Needs no golden vectors and no
 * holdout. Throws ManifestInvalid or ModelUnreadable.
 */
export const tryFolder = async (folder: string, limits: TrialLimits = defaultTrialLimits): Promise<void> => {
  const manifestBytes = await readFile(join(folder, "model.yaml"));
  const manifest = readManifest(manifestBytes.toString("utf8"));
  const read = async (file: string): Promise<[string, Uint8Array]> => [
    file,
    await readFile(join(folder, file)).catch(() => {
      throw new ModelUnreadable(`${file} is not in the folder, or cannot be read`);
    }),
  ];
  const onnx = await read(manifest.artifact);
  inspectOnnx(onnx[1]);
  const files = new Map([["model.yaml", manifestBytes], onnx]);
  if (manifest.tokenizer) files.set(...(await read(manifest.tokenizer.file)));
  const trial = await tryModel(files, limits);
  if (trial.status === "failed")
    throw new ModelUnreadable(`the model does not answer a row: ${trial.message}`);
};
