import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import type { Platform } from "#platform/images/runtime-layer.ts";
import { openLocalImages } from "./local-images.ts";

/** Content hash of the layer that all images share, for the environments' platform. */
export const computeRuntimeDigest = (platform: Platform): Promise<string> =>
  useTemporaryFolder("slipway-runtime-", async (folder) => {
    const { runtime } = await openLocalImages({
      folder: { images: folder },
      source: { copyModelFiles: async () => new Map() },
      platform,
      clock: Date.now,
    });
    return runtime();
  });
