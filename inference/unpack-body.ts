import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";

/** What HTTP calls deflate is zlib's format. Source: RFC 9110, 8.4.1.2 */
const unpackers = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** A body as it was before it was packed. Rejects with a RangeError where it holds more than `most` bytes. */
export const unpackBody = (
  encoding: keyof typeof unpackers,
  bytes: Uint8Array,
  most: number,
): Promise<Uint8Array> => unpackers[encoding](bytes, { maxOutputLength: most });
