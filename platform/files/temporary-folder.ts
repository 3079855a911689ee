import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAtExit } from "./remove-at-exit.ts";

/** Gives `use` an empty folder, and removes it with all of its files afterwards. */
export const useTemporaryFolder = async <T>(
  prefix: string,
  use: (folder: string) => Promise<T>,
): Promise<T> => {
  // No signal can come between the folder and its removal.
  const folder = mkdtempSync(join(tmpdir(), prefix));
  const keep = removeAtExit(folder);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    keep();
  }
};
