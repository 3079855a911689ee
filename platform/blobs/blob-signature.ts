import { createHmac, timingSafeEqual } from "node:crypto";

/** What a link to an object carries: HMAC-SHA256 over key and expiry (epoch seconds), in hex. */
export const signBlobLink = (secret: Uint8Array, key: string, expires: string): string =>
  createHmac("sha256", secret).update(`slipway blob\n${key}\n${expires}`).digest("hex");

/** Whether a link's signature is this secret's; takes equally long wherever the two differ. */
export const verifyBlobLink = (
  secret: Uint8Array,
  given: { readonly key: string; readonly expires: string; readonly signature: string },
): boolean => {
  const expected = Buffer.from(signBlobLink(secret, given.key, given.expires), "utf8");
  const found = Buffer.from(given.signature, "utf8");
  return found.length === expected.length && timingSafeEqual(found, expected);
};
