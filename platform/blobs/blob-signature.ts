import { createHmac, timingSafeEqual } from "node:crypto";

/** The signature of a link: HMAC-SHA256 over key and expiry (epoch seconds), in hex. */
export const signBlobLink = (secret: Uint8Array, key: string, expires: string): string =>
  createHmac("sha256", secret).update(`slipway blob\n${key}\n${expires}`).digest("hex");

/** Whether this secret made the link's signature. Compares in constant time. */
export const verifyBlobLink = (
  secret: Uint8Array,
  link: { readonly key: string; readonly expires: string; readonly signature: string },
): boolean => {
  const expected = Buffer.from(signBlobLink(secret, link.key, link.expires), "utf8");
  const actual = Buffer.from(link.signature, "utf8");
  return actual.length === expected.length && timingSafeEqual(actual, expected);
};
