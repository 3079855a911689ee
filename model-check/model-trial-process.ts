/**
 * Loads a model's folder in a separate process and predicts one row, before the model is served:
 * `node model-trial-process.ts <empty folder> <model folder>`. It writes the result as one JSON line to file descriptor 3,
 * because a model's native code may write to the others.
 */

import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createSampleRow, loadModel } from "#inference/model/load-model.ts";
import { assertLinearTokenizer } from "#inference/text/assert-linear-tokenizer.ts";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { inspectOnnx } from "#model-folder/onnx/inspect-onnx.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import type { ModelTrialResult } from "./run-model-trial.ts";

const folder = process.argv[3] ?? "";
const readModelFile = (file: string): Buffer => {
  try {
    return readFileSync(join(folder, file));
  } catch {
    throw new ModelUnreadable(`${file} is not in the folder, or cannot be read`);
  }
};
const runTrial = async (): Promise<ModelTrialResult> => {
  const manifest = readManifest(readModelFile("model.yaml"));
  inspectOnnx(readModelFile(getArtifactFile(manifest)));
  const tokenizer = manifest.tokenizer && readModelFile(manifest.tokenizer.file);
  if (tokenizer) assertLinearTokenizer(tokenizer);
  const model = await loadModel({
    manifest,
    model: { path: join(folder, getArtifactFile(manifest)) },
    tokenizer,
  });
  await model.predict([createSampleRow(manifest)]).catch((error: unknown) => {
    throw new ModelUnreadable(`the model cannot predict a row: ${formatError(error)}`);
  });
  return { status: "answered" };
};
const formatError = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const result = await runTrial().catch(
  (error: unknown): ModelTrialResult =>
    error instanceof ManifestInvalid
      ? { status: "invalid", problems: [...error.problems] }
      : { status: "failed", message: formatError(error) },
);
writeSync(3, `${JSON.stringify(result)}\n`);
