import { Readable } from "node:stream";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { readContent } from "#platform/files/file-content.ts";

/** Bytes as `Blobs.open` gives them. */
export const openBytes = (bytes: Uint8Array | undefined): Readable | undefined =>
  bytes && Readable.from([bytes]);

export const memoryBlobs = (): Blobs => {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, content) => void objects.set(key, await readContent(content)),
    get: async (key) => objects.get(key),
    open: async (key) => openBytes(objects.get(key)),
  };
};
