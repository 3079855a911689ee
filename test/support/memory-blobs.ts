import type { Blobs } from "#platform/blobs/blobs.ts";

export const memoryBlobs = (): Blobs => {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, value) => void objects.set(key, value),
    get: async (key) => objects.get(key),
  };
};
