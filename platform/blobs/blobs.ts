import type { Readable } from "node:stream";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { FileContent } from "#platform/files/file-content.ts";

/** Whole objects under a path-like key (`[A-Za-z0-9._/-]+`, no `..`): reports, large requests, artefacts. */
export interface Blobs {
  /** Writes atomically and replaces an existing object. A file is streamed: if that fails, the old object stays. */
  put(key: string, content: FileContent, options: { readonly contentType: string }): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** The object as a stream: read it to its end, or destroy it. */
  open(key: string): Promise<Readable | undefined>;
}

/** Objects that are small enough for memory. */
export type SmallBlobs = {
  put(key: string, bytes: Uint8Array, options: { readonly contentType: string }): Promise<void>;
  get: Blobs["get"];
};

export class BlobKeyRefused extends SlipwayError {
  override readonly name = "BlobKeyRefused";
  override readonly retryable = false;
}

/** Returns a valid key unchanged; throws BlobKeyRefused otherwise. A part is at most as long as a file name. */
export const validateBlobKey = (key: string): string => {
  const parts = key.split("/");
  if (key.length > 500 || !parts.every((part) => /^[A-Za-z0-9._-]{1,200}$/.test(part) && !/^\.+$/.test(part)))
    throw new BlobKeyRefused(
      `invalid key ${JSON.stringify(key.slice(0, 500))}: use A-Z, a-z, 0-9, ".", "_", "-" and "/", but not ".."`,
    );
  return key;
};
