import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { generateKey, generateKeyId, parseKey } from "./key-format.ts";

const made = () => {
  const id = generateKeyId(randomBytes);
  return { id, ...generateKey(id, randomBytes) };
};

test("a key is read as its own id and hash, whatever was drawn", () =>
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (first, second) => {
        const id = generateKeyId(() => first);
        const { key, hash } = generateKey(id, () => second);
        expect(key).toMatch(/^slw_[0-9A-Za-z]{11}_[0-9A-Za-z]{49}$/);
        expect(parseKey(key)).toEqual({ id, hash });
      },
    ),
  ));

test("two keys of one id differ, and what is kept of them holds nothing of them", () => {
  const id = generateKeyId(randomBytes);
  const [one, two] = [generateKey(id, randomBytes), generateKey(id, randomBytes)];
  expect(one.key).not.toBe(two.key);
  expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(one.hash).not.toBe(two.hash);
});

test("one wrong character anywhere makes it no key", () => {
  const { key } = made();
  for (let at = 0; at < key.length; at++)
    for (const other of ["x", "7", "_", " ", "é", "\u0000"]) {
      const typo = `${key.slice(0, at)}${other}${key.slice(at + 1)}`;
      if (typo !== key) expect(parseKey(typo), typo).toBeUndefined();
    }
});

test("whatever is given, reading never throws, and what is no key is undefined", () => {
  const { key } = made();
  for (const text of ["", "slw__", ` ${key}`, `${key}\n`, `${key},${key}`, key.toUpperCase(), key.slice(4)])
    expect(parseKey(text)).toBeUndefined();
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ minLength: 65, maxLength: 65 })), (text) => {
      expect(parseKey(text)).toBeUndefined();
    }),
  );
  // A pattern that steps back would take years for these.
  expect(parseKey("slw_".repeat(1_000_000))).toBeUndefined();
});
