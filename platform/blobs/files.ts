import { readBlobFile, writeBlobFile } from "./blob-file.ts";
import { signBlobLink } from "./blob-signature.ts";
import type { Blobs } from "./blobs.ts";

/**
 * Objects as files under `folder`. Links point to `<baseUrl>/blobs/<key>`, which `createBlobRoute` serves with the same
 * folder and key. `key` signs links; `onWrite` gets the number of bytes after each put.
 */
export const createFileBlobs = (needs: {
  readonly folder: string;
  readonly baseUrl: string;
  readonly key: Uint8Array;
  readonly onWrite?: (bytes: number) => void;
}): Blobs => ({
  put: async (key, bytes, { contentType }) => {
    await writeBlobFile(needs.folder, key, { contentType, bytes });
    needs.onWrite?.(bytes.length);
  },

  get: async (key) => (await readBlobFile(needs.folder, key))?.bytes,

  link: async (key, { expiresAt }) => {
    // Validates the key before a link to it leaves the process.
    await readBlobFile(needs.folder, key);
    const expires = String(expiresAt);
    const signature = signBlobLink(needs.key, key, expires);
    return `${needs.baseUrl}/blobs/${key}?${new URLSearchParams({ expires, signature })}`;
  },
});
