import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import type { FileStream } from "./file-content.ts";

/** A file on this machine. */
export type LocalFile = FileStream & { readonly path: string };

/** Bytes per read: larger ones cost memory and save no time. */
const chunkBytes = 1 << 20;

const streamVerified = async function* (
  path: string,
  size: number,
  sha256: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  // The next attempt writes the file again.
  const createChangedError = () => new TemporaryFault(`${path} was changed by another program`);
  let read = 0;
  // The last chunk waits until the hash of all of them is known.
  let last: Uint8Array | undefined;
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    read += chunk.byteLength;
    if (read > size) throw createChangedError();
    hash.update(chunk);
    if (last) yield last;
    last = chunk;
  }
  if (read !== size || hash.digest("hex") !== sha256) throw createChangedError();
  if (last) yield last;
};

const writeChunks = async (path: string, stream: AsyncIterable<Uint8Array>) => {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx");
  try {
    for await (const chunk of stream) {
      hash.update(chunk);
      size += chunk.byteLength;
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { size, sha256: hash.digest("hex") };
};

/**
 * Writes a stream to a new file. Its later readers get these bytes or TemporaryFault. Throws DataFolderUnusable, for a
 * file that exists too, and the stream's own errors.
 */
export const writeLocalFile = async (path: string, stream: AsyncIterable<Uint8Array>): Promise<LocalFile> => {
  try {
    const { size, sha256 } = await writeChunks(path, stream);
    return { path, size, sha256, open: () => streamVerified(path, size, sha256) };
  } catch (error) {
    throw toDataFolderError(path, error);
  }
};
