import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where peers are kept: `SLIPWAY_PEERS`, else `XDG_CACHE_HOME`, else ~/.cache. */
export const peerCache =
  process.env.SLIPWAY_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway-peers");

/** Callers wait while another caller creates the folder: some builds take minutes on all processors. */
const pendingFolders = new Map<string, Promise<void>>();

const buildFolder = async (folder: string, make: (folder: string) => Promise<void>): Promise<void> => {
  await mkdir(peerCache, { recursive: true });
  const building = await mkdtemp(`${folder}.`);
  try {
    await make(building);
    // Another process may be faster: its folder is used, and this one is removed.
    await rename(building, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
};

/**
 * A folder of the user's cache (`SLIPWAY_PEERS`, else `XDG_CACHE_HOME`, else ~/.cache), built once for each value of
 * `madeOf`, for example a lock file and a compiler's version. `make` fills a temporary folder, which is then renamed,
 * so that a partial folder is never used.
 */
export const cachePeerFolder = async (
  madeOf: readonly (string | Uint8Array)[],
  make: (folder: string) => Promise<void>,
): Promise<string> => {
  const hash = createHash("sha256");
  for (const part of madeOf) hash.update(part);
  const folder = join(peerCache, hash.digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;

  const making =
    pendingFolders.get(folder) ?? buildFolder(folder, make).finally(() => pendingFolders.delete(folder));
  pendingFolders.set(folder, making);
  await making;
  return folder;
};
