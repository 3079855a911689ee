import { readBlobFile, writeBlobFile } from "./blob-file.ts";
import type { Blobs } from "./blobs.ts";

/** Objects as files under `folder`; `onWrite` gets the number of bytes after each put. */
export const createFileBlobs = (needs: {
  readonly folder: string;
  readonly onWrite?: (bytes: number) => void;
}): Blobs => ({
  put: async (key, bytes, { contentType }) => {
    await writeBlobFile(needs.folder, key, { contentType, bytes });
    needs.onWrite?.(bytes.length);
  },

  get: async (key) => (await readBlobFile(needs.folder, key))?.bytes,
});
