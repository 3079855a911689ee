import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { generateKey, generateKeyId, parseKey } from "./key-format.ts";

const createTestKey = () => {
  const id = generateKeyId(randomBytes);
  return { id, ...generateKey(id, randomBytes) };
};

test("every generated key parses back to its own id and hash", () =>
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (idBytes, secretBytes) => {
        const id = generateKeyId(() => idBytes);
        const { key, hash } = generateKey(id, () => secretBytes);
        expect(key).toMatch(/^slw_[0-9A-Za-z]{11}_[0-9A-Za-z]{49}$/);
        expect(parseKey(key)).toEqual({ id, hash });
      },
    ),
  ));

test("two keys with the same id differ, and so do their hashes", () => {
  const id = generateKeyId(randomBytes);
  const [first, second] = [generateKey(id, randomBytes), generateKey(id, randomBytes)];
  expect(first.key).not.toBe(second.key);
  expect(first.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(first.hash).not.toBe(second.hash);
});

test("a key with one wrong character is refused", () => {
  const { key } = createTestKey();
  for (let index = 0; index < key.length; index++)
    for (const character of ["x", "7", "_", " ", "é", "\u0000"]) {
      const typo = `${key.slice(0, index)}${character}${key.slice(index + 1)}`;
      if (typo !== key) expect(parseKey(typo), typo).toBeUndefined();
    }
});

test("a text that is not a key parses to undefined and never throws", () => {
  const { key } = createTestKey();
  for (const text of ["", "slw__", ` ${key}`, `${key}\n`, `${key},${key}`, key.toUpperCase(), key.slice(4)])
    expect(parseKey(text)).toBeUndefined();
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ minLength: 65, maxLength: 65 })), (text) => {
      expect(parseKey(text)).toBeUndefined();
    }),
  );
  // A pattern that backtracks would take years for this text.
  expect(parseKey("slw_".repeat(1_000_000))).toBeUndefined();
});
