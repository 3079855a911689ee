import { config } from "#terraform/config.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { localImages } from "./local-images.ts";

/** Content hash of the layer that all images share, for the architecture that the environments have. */
export const runtimeDigest = async (): Promise<string> => {
  const folder = await temporaryFolder();
  try {
    const { runtime } = await localImages({
      folder: { images: folder.path },
      source: { modelFiles: async () => new Map() },
      platform: config.tooling.images.architecture === "arm64" ? "linux/arm64" : "linux/x64",
      clock: Date.now,
    });
    return await runtime();
  } finally {
    await folder.remove();
  }
};
