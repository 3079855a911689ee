import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { type FileContent, streamContent } from "#platform/files/file-content.ts";
import { replaceFile } from "./atomic-file.ts";
import { validateBlobKey } from "./blobs.ts";

type BlobFile = { readonly contentType: string; readonly bytes: Uint8Array };

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * The path of a key's file. No key contains the suffix `@blob`, so `a` and `a/b` can both exist.
 * Throws BlobKeyRefused for an invalid key.
 */
export const toBlobPath = (folder: string, key: string): string =>
  join(folder, `${validateBlobKey(key)}@blob`);

/** Writes an object atomically: the first line is its content type, the rest its bytes. */
export const writeBlobFile = async (
  folder: string,
  key: string,
  { contentType, content }: { readonly contentType: string; readonly content: FileContent },
): Promise<void> => {
  const path = toBlobPath(folder, key);
  if (/[\r\n]/.test(contentType)) throw new TypeError("A content type must be a single line.");
  const parts = async function* () {
    yield Buffer.from(`${contentType}\n`, "utf8");
    yield* streamContent(content);
  };
  await replaceFile(path, parts());
};

export const readBlobFile = async (folder: string, key: string): Promise<BlobFile | undefined> => {
  const path = toBlobPath(folder, key);
  try {
    const file = await readFile(path);
    const end = file.indexOf(0x0a);
    return { contentType: file.toString("utf8", 0, end), bytes: new Uint8Array(file.subarray(end + 1)) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toDataFolderError(path, error);
  }
};

/** The position after the first line. Content types are short. */
const findContentStart = async (file: FileHandle): Promise<number> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1_024), 0, 1_024, 0);
  return buffer.subarray(0, bytesRead).indexOf(0x0a) + 1;
};

/** The object's bytes as a stream, without its content type. */
export const openBlobFile = async (folder: string, key: string): Promise<Readable | undefined> => {
  const path = toBlobPath(folder, key);
  try {
    const file = await open(path);
    return file.createReadStream({ start: await findContentStart(file) });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toDataFolderError(path, error);
  }
};
