import { readBlobFile, writeBlobFile } from "./blob-file.ts";
import type { Blobs } from "./blobs.ts";

/** Objects as files under `folder`; `written` is told the bytes of each object that was put. */
export const createFileBlobs = (needs: {
  readonly folder: string;
  readonly written?: (bytes: number) => void;
}): Blobs => ({
  put: async (key, bytes, { contentType }) => {
    await writeBlobFile(needs.folder, key, { contentType, bytes });
    needs.written?.(bytes.length);
  },

  get: async (key) => (await readBlobFile(needs.folder, key))?.bytes,
});
