import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";

type Options = { readonly mode?: number };

const isAlreadyPresent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EEXIST";

/**
 * Writes beside the target and then lets `settle` put it in place. No fsync: what was written survives the
 * death of the process, and after a power cut a delivery starts again from what its folder holds.
 */
const writeViaTemporary = async (
  path: string,
  parts: readonly Uint8Array[],
  options: Options,
  settle: (temporary: string) => Promise<boolean>,
): Promise<boolean> => {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx", options.mode ?? 0o644);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.close();
      return await settle(temporary);
    } finally {
      // Closing twice is harmless; here it is for the write that failed.
      await file.close();
      await rm(temporary, { force: true });
    }
  } catch (error) {
    throw toDataFolderError(path, error);
  }
};

/** Replaces a file as a whole: readers see the old bytes or all of the new ones. Throws DataFolderUnusable. */
export const replaceFile = async (
  path: string,
  parts: readonly Uint8Array[],
  options: Options = {},
): Promise<void> => {
  await writeViaTemporary(path, parts, options, async (temporary) => {
    await rename(temporary, path);
    return true;
  });
};

/**
 * Creates a file as a whole and only where none stands: of several processes exactly one does.
 * Whether it was this one. Throws DataFolderUnusable.
 */
export const createFile = (
  path: string,
  parts: readonly Uint8Array[],
  options: Options = {},
): Promise<boolean> =>
  writeViaTemporary(path, parts, options, async (temporary) => {
    try {
      await link(temporary, path);
      return true;
    } catch (error) {
      if (isAlreadyPresent(error)) return false;
      throw error;
    }
  });
