import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Cipher, CipherRefused } from "#platform/cipher/cipher.ts";

export type CipherUnderTest = { readonly cipher: Cipher; close(): Promise<void> };

/** The rules of `Cipher`, for every implementation. Texts up to 2 KB: a task token's length, KMS takes 4 KB. */
export const cipherContract = (name: string, make: () => Promise<CipherUnderTest>): void => {
  describe(`cipher: ${name}`, () => {
    let subject: CipherUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());

    const plaintext = fc.string({ unit: "binary", minLength: 1, maxLength: 500 });
    const name = fc.string({ minLength: 1, maxLength: 8 });
    const context = fc.dictionary(name, name, { minKeys: 1, maxKeys: 4, noNullPrototype: true });

    test("any text decrypts under its context, in any order of the context's names", async () => {
      await fc.assert(
        fc.asyncProperty(plaintext, context, async (text, bound) => {
          const sealed = await subject.cipher.encrypt(text, bound);
          const reordered = Object.fromEntries(Object.entries(bound).reverse());
          expect(await subject.cipher.decrypt(sealed, reordered)).toBe(text);
        }),
        { numRuns: 50 },
      );
    });

    test("a text does not decrypt under another context", async () => {
      await fc.assert(
        fc.asyncProperty(plaintext, context, context, async (text, bound, other) => {
          fc.pre(
            JSON.stringify(Object.entries(bound).sort()) !== JSON.stringify(Object.entries(other).sort()),
          );
          const sealed = await subject.cipher.encrypt(text, bound);
          await expect(subject.cipher.decrypt(sealed, other)).rejects.toThrow(CipherRefused);
        }),
        { numRuns: 50 },
      );
    });

    test("a context that is equal only after its parts are joined does not decrypt a text", async () => {
      const sealed = await subject.cipher.encrypt("token", { a: "b,c:d" });
      await expect(subject.cipher.decrypt(sealed, { a: "b", c: "d" })).rejects.toThrow(CipherRefused);
    });

    test("a ciphertext with one character changed, added or removed does not decrypt", async () => {
      const bound = { approval: "1" };
      await fc.assert(
        fc.asyncProperty(
          plaintext,
          fc.nat(),
          fc.constantFrom("change", "add", "cut"),
          async (text, at, how) => {
            const sealed = await subject.cipher.encrypt(text, bound);
            const index = at % sealed.length;
            const other = sealed[index] === "A" ? "B" : "A";
            const kept = how === "add" ? index : index + 1;
            const broken = sealed.slice(0, index) + (how === "cut" ? "" : other) + sealed.slice(kept);
            await expect(subject.cipher.decrypt(broken, bound)).rejects.toThrow(CipherRefused);
          },
        ),
        { numRuns: 100 },
      );
    });

    test("a ciphertext has one form: with another last character it does not decrypt", async () => {
      const bound = { approval: "1" };
      for (const text of ["a", "ab", "abc"]) {
        const sealed = await subject.cipher.encrypt(text, bound);
        for (const other of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ ") {
          const broken = sealed.slice(0, -1) + other;
          if (broken !== sealed)
            await expect(subject.cipher.decrypt(broken, bound)).rejects.toThrow(CipherRefused);
        }
        await expect(subject.cipher.decrypt(`${sealed}=`, bound)).rejects.toThrow(CipherRefused);
      }
    });

    test("text that is not a ciphertext is refused", async () => {
      for (const text of ["", "v1.", "token", "v9.AAAA", "{}"]) {
        await expect(subject.cipher.decrypt(text, { approval: "1" })).rejects.toThrow(CipherRefused);
      }
    });

    test("the same text has a different ciphertext each time, which does not contain it", async () => {
      const [first, second] = await Promise.all(
        [1, 2].map(() => subject.cipher.encrypt("task token", { a: "b" })),
      );
      expect(first).not.toBe(second);
      expect(Buffer.from(String(first), "base64url").toString("latin1")).not.toContain("task token");
    });
  });
};
