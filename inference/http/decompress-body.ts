import { gunzipSync, inflateSync } from "node:zlib";

/**
 * HTTP's deflate is zlib's format (RFC 9110, 8.4.1.2). Decompression is synchronous: a hundred bodies at the same time would
 * need a hundred times the memory limit.
 */
const decompressors = { gzip: gunzipSync, deflate: inflateSync } as const;

/** Decompresses a body. Throws a RangeError if the result has more than `limit` bytes. */
export const decompressBody = (
  encoding: keyof typeof decompressors,
  bytes: Uint8Array,
  limit: number,
): Uint8Array => decompressors[encoding](bytes, { maxOutputLength: limit });
