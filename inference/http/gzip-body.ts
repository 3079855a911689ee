import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** Packs on another thread. */
export const gzipBody: (body: string | Uint8Array) => Promise<Uint8Array> = promisify(gzip);
