import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Platform } from "#platform/images/runtime-layer.ts";
import { openLocalImages } from "./local-images.ts";

/** Content hash of the layer that all images share, for the environments' platform. */
export const computeRuntimeDigest = async (platform: Platform): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-runtime-"));
  try {
    const { runtime } = await openLocalImages({
      folder: { images: folder },
      source: { copyModelFiles: async () => new Map() },
      platform,
      clock: Date.now,
    });
    return await runtime();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
