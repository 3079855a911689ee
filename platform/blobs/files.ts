import { readBlobFile, writeBlobFile } from "./blob-file.ts";
import { signBlobLink } from "./blob-signature.ts";
import type { Blobs } from "./blobs.ts";

/**
 * Objects as files under `folder`. Links lead to `<baseUrl>/blobs/<key>`, where `createBlobRoute` with the same
 * folder and key answers; `key` signs them; `written` is told the bytes of each object that was put.
 */
export const createFileBlobs = (needs: {
  readonly folder: string;
  readonly baseUrl: string;
  readonly key: Uint8Array;
  readonly written?: (bytes: number) => void;
}): Blobs => ({
  put: async (key, bytes, { contentType }) => {
    await writeBlobFile(needs.folder, key, { contentType, bytes });
    needs.written?.(bytes.length);
  },

  get: async (key) => (await readBlobFile(needs.folder, key))?.bytes,

  link: async (key, { expiresAt }) => {
    // Reading first refuses a key that is none, and a link to nothing would be found out only by its reader.
    await readBlobFile(needs.folder, key);
    const expires = String(expiresAt);
    const signature = signBlobLink(needs.key, key, expires);
    return `${needs.baseUrl}/blobs/${key}?${new URLSearchParams({ expires, signature })}`;
  },
});
