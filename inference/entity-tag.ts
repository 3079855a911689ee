import type { MiddlewareHandler } from "hono";
import { etag } from "hono/etag";

/**
 * ETag and If-None-Match. Given a digest of its own, hono looks for none when the service starts: Node's web crypto
 * takes 5 ms to load.
 */
export const entityTag = (): MiddlewareHandler =>
  etag({ generateDigest: (body) => crypto.subtle.digest("SHA-256", new Uint8Array(body)) });
