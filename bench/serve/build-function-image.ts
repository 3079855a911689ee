import { join } from "node:path";
import { copyModelFolder } from "#cli/read-model-folder.ts";
import { assertModel } from "#model-check/check-model.ts";
import { bundleRuntime } from "#packaging/bundle-runtime.ts";
import { createModelPlan } from "#packaging/create-model-plan.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { detectPlatform } from "#platform/images/runtime-layer.ts";
import { unpackImage } from "#platform/images/unpack-image.ts";

type FunctionImage = {
  /** The image's unpacked `/var/task`, which Lambda starts. */
  readonly task: string;
  /** The size of all layers, uncompressed. */
  readonly bytes: number;
};

/** Builds the image of a model's folder for this machine, as a delivery does, and unpacks it below `into`. */
export const buildFunctionImage = async (
  model: string,
  folder: string,
  into: string,
): Promise<FunctionImage> => {
  const layout = join(into, "images");
  const images = createOciImages({
    folder: layout,
    source: { copyModelFiles: (_model, _commit, into) => copyModelFolder(folder, into) },
    platform: detectPlatform() ?? "linux/x64",
    bundle: bundleRuntime,
    check: assertModel,
    compile: createModelPlan,
    advisories: async () => undefined,
    clock: Date.now,
  });
  const { digest, sizeBytes } = await images.build({
    model,
    commit: "0".repeat(40),
    runtime: await images.runtimeHash(),
  });
  const root = await unpackImage({ folder: layout, into: join(into, "unpacked") })(digest);
  return { task: join(root, "var", "task"), bytes: sizeBytes };
};
