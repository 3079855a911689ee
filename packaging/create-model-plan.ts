import * as z from "zod";
import { compilePlan } from "#inference/model/compiled/compile-plan.ts";
import { openCompiledSession } from "#inference/model/compiled/open-compiled-session.ts";
import { writePlan } from "#inference/model/compiled/write-plan.ts";
import { type FileStream, readContent } from "#platform/files/file-content.ts";

const Fields = z.looseObject({
  engine: z.enum(["compiled", "onnxruntime"]).optional(),
  tokenizer: z.unknown().optional(),
});

/**
 * The bytes of an image's `model.plan`, from the manifest and the ONNX file of a folder that was checked. Throws
 * ModelUnreadable where the manifest says `engine: compiled` and the graph cannot be compiled, or where the kernel refuses it.
 */
export const createModelPlan = async ({
  manifest,
  artifact,
}: {
  readonly manifest: unknown;
  readonly artifact: FileStream;
}): Promise<Uint8Array> => {
  let bytes: Promise<Uint8Array> | undefined;
  const file = {
    size: artifact.size,
    bytes: () => {
      bytes ??= readContent(artifact);
      return bytes;
    },
  };
  const plan = await compilePlan(Fields.parse(manifest), file);
  // A start trusts what it finds with the right checksum. Nothing is predicted here, so nothing needs onnxruntime.
  if (plan.status === "compiled")
    openCompiledSession(plan, () => Promise.reject(new Error("a build predicts nothing")));
  return writePlan(plan, file);
};
