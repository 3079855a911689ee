import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertModel } from "#model-check/check-model.ts";
import { readAdvisories } from "#platform/images/advisories.ts";
import { findLayerPaths } from "#platform/images/find-layer-paths.ts";
import type { Images } from "#platform/images/images.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { detectPlatform, type Platform } from "#platform/images/runtime-layer.ts";
import { unpackImage } from "#platform/images/unpack-image.ts";
import type { Source } from "#platform/source/source.ts";
import { bundleRuntime } from "./bundle-runtime.ts";
import { createModelPlan } from "./create-model-plan.ts";

/** No image supports this machine's platform. */
export class PlatformUnknown extends Error {
  override readonly name = "PlatformUnknown";
}

/** The file that `npm run advisories` writes. */
const advisoriesFile = fileURLToPath(new URL("../advisories/npm.json", import.meta.url));

/** Builds and unpacks images on this machine, by default for its own platform. */
export const openLocalImages = async ({
  folder,
  source,
  platform = detectPlatform(),
  clock,
}: {
  folder: { readonly images: string };
  source: Pick<Source, "copyModelFiles">;
  platform?: Platform | undefined;
  clock: () => number;
}): Promise<{
  images: Images;
  imageRoot: (digest: string) => Promise<string>;
  /** The image's layers as tar files, for another tool to push. */
  layerFiles: (digest: string) => Promise<readonly string[]>;
  /** Content hash of the images' runtime layer; packs the layer if it is not cached. */
  runtime: () => Promise<string>;
}> => {
  if (!platform)
    throw new PlatformUnknown(
      `no image supports ${process.platform}/${process.arch}: Slipway runs on Linux (x64, arm64) and on Macs with Apple silicon.`,
    );
  const layout = join(folder.images, platform.replace("/", "-"));
  let bundlePromise: ReturnType<typeof bundleRuntime> | undefined;
  const images = createOciImages({
    folder: layout,
    source,
    platform,
    // Bundle once per process, so that it builds with the runtime whose digest it reported.
    bundle: () => {
      bundlePromise ??= bundleRuntime();
      return bundlePromise;
    },
    check: assertModel,
    compile: createModelPlan,
    advisories: () => readAdvisories(advisoriesFile),
    clock,
  });
  return {
    images,
    imageRoot: unpackImage({ folder: layout, into: join(folder.images, "unpacked") }),
    layerFiles: findLayerPaths({ folder: layout }),
    runtime: () => images.runtimeHash(),
  };
};
