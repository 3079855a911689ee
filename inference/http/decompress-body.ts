import { gunzipSync, inflateSync } from "node:zlib";

/**
 * What HTTP calls deflate is zlib's format. Source: RFC 9110, 8.4.1.2. Unpacked at once and not in turns: a hundred
 * bodies that unpack side by side would hold a hundred times the most that one may.
 */
const decompressors = { gzip: gunzipSync, deflate: inflateSync } as const;

/** A body as it was before it was packed. Throws a RangeError where it holds more than `most` bytes. */
export const decompressBody = (
  encoding: keyof typeof decompressors,
  bytes: Uint8Array,
  most: number,
): Uint8Array => decompressors[encoding](bytes, { maxOutputLength: most });
