import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hmacSha256 } from "./hash-inputs.ts";

test("the hash equals Node's HMAC-SHA-256 for every key and text", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 64 }),
      fc.string({ unit: "binary" }),
      (key, text) => {
        expect(hmacSha256(key)(text)).toBe(createHmac("sha256", key).update(text).digest("base64url"));
      },
    ),
  );
});

test("a key that is too short to be secret, or that HMAC would shorten, is refused", () => {
  for (const bytes of [0, 31, 65]) expect(() => hmacSha256(new Uint8Array(bytes))).toThrow(RangeError);
});
