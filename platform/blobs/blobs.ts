import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** Whole objects under a path-like key (`[A-Za-z0-9._/-]+`, no `..`): reports, large requests, artefacts. */
export interface Blobs {
  /** Writes all or nothing; the same key again replaces it. */
  put(key: string, bytes: Uint8Array, options: { readonly contentType: string }): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
}

export class BlobKeyRefused extends SlipwayError {
  override readonly name = "BlobKeyRefused";
  override readonly retryable = false;
}

/** The key as it was given; throws BlobKeyRefused for what is none. Its parts are no longer than a file's name. */
export const validateBlobKey = (key: string): string => {
  const parts = key.split("/");
  if (key.length > 500 || !parts.every((part) => /^[A-Za-z0-9._-]{1,200}$/.test(part) && !/^\.+$/.test(part)))
    throw new BlobKeyRefused(
      `${JSON.stringify(key.slice(0, 500))} is no key: it is made of A-Z, a-z, 0-9, ".", "_", "-" and "/", without "..".`,
    );
  return key;
};
