/**
 * Opens the folder of a model that is to be served, in a process of its own, and lets it answer one row:
 * `node serve-trial-process.ts <empty folder> <the model's folder>`. The result is one JSON line on the third file
 * descriptor, because a model's native code may write to the others.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadModel, sampleRow } from "#inference/model/load-model.ts";
import { assertLinearTokenizer } from "#inference/text/assert-linear-tokenizer.ts";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { inspectOnnx } from "#model-folder/onnx/inspect-onnx.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import type { ServeTrial } from "./try-folder.ts";

const folder = process.argv[3] ?? "";
const read = (file: string): Buffer => {
  try {
    return readFileSync(join(folder, file));
  } catch {
    throw new ModelUnreadable(`${file} is not in the folder, or cannot be read`);
  }
};
const answer = async (): Promise<ServeTrial> => {
  const manifest = readManifest(read("model.yaml"));
  inspectOnnx(read(manifest.artifact));
  const tokenizer = manifest.tokenizer && read(manifest.tokenizer.file);
  if (tokenizer) assertLinearTokenizer(tokenizer);
  const model = await loadModel({
    manifest,
    model: { path: join(folder, manifest.artifact) },
    tokenizer,
  });
  await model.predict([sampleRow(manifest)]).catch((error: unknown) => {
    throw new ModelUnreadable(`the model does not answer a row: ${reason(error)}`);
  });
  return { status: "answered" };
};
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const result = await answer().catch(
  (error: unknown): ServeTrial =>
    error instanceof ManifestInvalid
      ? { status: "invalid", problems: [...error.problems] }
      : { status: "failed", message: reason(error) },
);
writeSync(3, `${JSON.stringify(result)}\n`);
