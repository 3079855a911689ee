import { measureSize } from "#platform/files/file-content.ts";
import { openBlobFile, readBlobFile, writeBlobFile } from "./blob-file.ts";
import type { Blobs } from "./blobs.ts";

/** Objects as files under `folder`; `onWrite` gets the number of bytes after each put. */
export const createFileBlobs = (needs: {
  readonly folder: string;
  readonly onWrite?: (bytes: number) => void;
}): Blobs => ({
  put: async (key, content, { contentType }) => {
    await writeBlobFile(needs.folder, key, { contentType, content });
    needs.onWrite?.(measureSize(content));
  },

  get: async (key) => (await readBlobFile(needs.folder, key))?.bytes,

  open: (key) => openBlobFile(needs.folder, key),
});
