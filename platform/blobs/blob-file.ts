import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { replaceFile } from "./atomic-file.ts";
import { validateBlobKey } from "./blobs.ts";

type BlobFile = { readonly contentType: string; readonly bytes: Uint8Array };

/**
 * Where a key's object lies. The ending, which no key can contain, lets `a` and `a/b` stand side by side.
 * Throws BlobKeyRefused for what is no key.
 */
export const toBlobPath = (folder: string, key: string): string =>
  join(folder, `${validateBlobKey(key)}@blob`);

/** One object with its content type, whole or not at all: the type's line comes first, then the bytes. */
export const writeBlobFile = async (folder: string, key: string, blob: BlobFile): Promise<void> => {
  const path = toBlobPath(folder, key);
  if (/[\r\n]/.test(blob.contentType)) throw new TypeError("A content type is one line.");
  await replaceFile(path, [Buffer.from(`${blob.contentType}\n`, "utf8"), blob.bytes]);
};

export const readBlobFile = async (folder: string, key: string): Promise<BlobFile | undefined> => {
  const path = toBlobPath(folder, key);
  try {
    const file = await readFile(path);
    const end = file.indexOf(0x0a);
    return { contentType: file.toString("utf8", 0, end), bytes: new Uint8Array(file.subarray(end + 1)) };
  } catch (error) {
    const absent = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (absent) return undefined;
    throw toDataFolderError(path, error);
  }
};
