import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";

type Options = { readonly mode?: number };
/** The file's bytes, one part after the other. */
type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const isAlreadyPresent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EEXIST";

/**
 * Writes a temporary file beside the target, then `moveIntoPlace` renames or links it. No fsync: the bytes survive the
 * end of the process, and after a power cut a delivery starts again from the files that its folder holds.
 */
const writeTemporaryFile = async (
  path: string,
  parts: Parts,
  options: Options,
  moveIntoPlace: (temporaryPath: string) => Promise<boolean>,
): Promise<boolean> => {
  const temporaryPath = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporaryPath, "wx", options.mode ?? 0o644);
    try {
      for await (const part of parts) await file.writeFile(part);
      await file.close();
      return await moveIntoPlace(temporaryPath);
    } finally {
      // A second close is harmless; this one is for a failed write.
      await file.close();
      await rm(temporaryPath, { force: true });
    }
  } catch (error) {
    throw toDataFolderError(path, error);
  }
};

/** Replaces a file at once: readers see the old bytes or all of the new ones. Throws DataFolderUnusable. */
export const replaceFile = async (path: string, parts: Parts, options: Options = {}): Promise<void> => {
  await writeTemporaryFile(path, parts, options, async (temporaryPath) => {
    await rename(temporaryPath, path);
    return true;
  });
};

/**
 * Creates a file unless it exists. If several processes try at once, exactly one succeeds.
 * Returns whether this call created it. Throws DataFolderUnusable.
 */
export const createFile = (path: string, parts: Parts, options: Options = {}): Promise<boolean> =>
  writeTemporaryFile(path, parts, options, async (temporaryPath) => {
    try {
      await link(temporaryPath, path);
      return true;
    } catch (error) {
      if (isAlreadyPresent(error)) return false;
      throw error;
    }
  });
