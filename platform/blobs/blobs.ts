/** Whole objects under a path-like key (`[A-Za-z0-9._/-]+`, no `..`): reports, large requests, artefacts. */
export interface Blobs {
  /** Writes all or nothing; the same key again replaces it. */
  put(key: string, bytes: Uint8Array, options: { readonly contentType: string }): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** An address at which a browser can read the object until `expiresAt` (epoch seconds), without other rights. */
  link(key: string, options: { readonly expiresAt: number }): Promise<string>;
}

export class BlobKeyRefused extends Error {
  override readonly name = "BlobKeyRefused";
}
