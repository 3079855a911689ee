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

/** No onnxruntime is packed for this kind of machine. */
export class PlatformUnknown extends Error {
  override readonly name = "PlatformUnknown";
}

/** Where `npm run advisories` writes what is known of vulnerable npm packages. */
const advisoriesFile = fileURLToPath(new URL("../advisories/npm.json", import.meta.url));

/** Images built on this machine, for this machine unless `platform` says otherwise, and where they lie unpacked. */
export const openLocalImages = async ({
  folder,
  source,
  platform = detectPlatform(),
  clock,
}: {
  folder: { readonly images: string };
  source: Pick<Source, "modelFiles">;
  platform?: Platform | undefined;
  clock: () => number;
}): Promise<{
  images: Images;
  imageRoot: (digest: string) => Promise<string>;
  /** Its layers as tars, for another tool to push. */
  layerFiles: (digest: string) => Promise<readonly string[]>;
  /** Content hash of the runtime layer that images get; packs it where this process has not yet. */
  runtime: () => Promise<string>;
}> => {
  if (!platform)
    throw new PlatformUnknown(
      `no image can be made for ${process.platform}/${process.arch}: Slipway runs on Linux (x64, arm64) and on Macs with Apple silicon.`,
    );
  const layout = join(folder.images, platform.replace("/", "-"));
  let bundled: ReturnType<typeof bundleRuntime> | undefined;
  const images = createOciImages({
    folder: layout,
    source,
    platform,
    // Once a process: what it announced as its runtime is what it builds with.
    bundle: () => {
      bundled ??= bundleRuntime();
      return bundled;
    },
    check: assertModel,
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
