import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** Whole objects under a path-like key (`[A-Za-z0-9._/-]+`, no `..`): reports, large requests, artefacts. */
export interface Blobs {
  /** Writes atomically and replaces an existing object. */
  put(key: string, bytes: Uint8Array, options: { readonly contentType: string }): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
}

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
