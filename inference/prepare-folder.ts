import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { inspectOnnx } from "#model-folder/onnx/inspect-onnx.ts";
import { compilePlan } from "./model/compiled/compile-plan.ts";
import { openCompiledSession } from "./model/compiled/open-compiled-session.ts";
import { writePlan } from "./model/compiled/write-plan.ts";
import { computeFileDigest, type PreparedFolder } from "./prepared-folder.ts";

/**
 * Reads and compiles a model's folder for serveModel. It needs the parsers of YAML and ONNX, the manifest's schema and the
 * compiler, which a process that answers requests can do without. Throws ManifestInvalid or ModelUnreadable.
 */
export const prepareFolder = async (folder: string): Promise<PreparedFolder> => {
  const text = await readFile(join(folder, "model.yaml"));
  const manifest = readManifest(text);
  const artifact = await readFile(join(folder, getArtifactFile(manifest)));
  const digests = { digest: computeFileDigest(artifact), manifestDigest: computeFileDigest(text) };
  const { unbounded } = inspectOnnx(artifact);
  const isolate = (isolated: string): PreparedFolder => ({ manifest, ...digests, isolated });
  if (unbounded !== undefined)
    return isolate(`with ${unbounded} the run time depends on the values of a request`);
  if (manifest.tokenizer !== undefined) return isolate("a run on texts would block other requests");
  if (manifest.inputs.some(({ type }) => type === "image"))
    return isolate("decoding images would block other requests");
  const file = { size: artifact.length, bytes: async () => artifact };
  const plan = await compilePlan(manifest, file);
  // Who reads the plan trusts what has the right checksum. Nothing is predicted here, so nothing needs onnxruntime.
  if (plan.status === "compiled")
    openCompiledSession(plan, () => Promise.reject(new Error("nothing is predicted here")));
  return { manifest, ...digests, plan: await writePlan(plan, file) };
};
