import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { replaceFile } from "./atomic-file.ts";
import { validateBlobKey } from "./blobs.ts";

type BlobFile = { readonly contentType: string; readonly bytes: Uint8Array };

/**
 * The path of a key's file. No key contains the suffix `@blob`, so `a` and `a/b` can both exist.
 * Throws BlobKeyRefused for an invalid key.
 */
export const toBlobPath = (folder: string, key: string): string =>
  join(folder, `${validateBlobKey(key)}@blob`);

/** Writes an object atomically: the first line is its content type, the rest its bytes. */
export const writeBlobFile = async (folder: string, key: string, blob: BlobFile): Promise<void> => {
  const path = toBlobPath(folder, key);
  if (/[\r\n]/.test(blob.contentType)) throw new TypeError("A content type must be a single line.");
  await replaceFile(path, [Buffer.from(`${blob.contentType}\n`, "utf8"), blob.bytes]);
};

export const readBlobFile = async (folder: string, key: string): Promise<BlobFile | undefined> => {
  const path = toBlobPath(folder, key);
  try {
    const file = await readFile(path);
    const end = file.indexOf(0x0a);
    return { contentType: file.toString("utf8", 0, end), bytes: new Uint8Array(file.subarray(end + 1)) };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing) return undefined;
    throw toDataFolderError(path, error);
  }
};
