import { createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Signer } from "#platform/signer/signer.ts";

export type SignerUnderTest = {
  readonly signer: Signer;
  /** The same key, opened again. */
  readonly elsewhere: Signer;
  /** A signer with another key. */
  readonly other: Signer;
  close(): Promise<void>;
};

/** The rules of `Signer`, for every implementation. */
export const signerContract = (name: string, make: () => Promise<SignerUnderTest>): void => {
  describe(`signer: ${name}`, () => {
    let subject: SignerUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());

    const message = fc.uint8Array({ maxLength: 10_000 });

    test("a signature verifies its bytes, also after the key is opened again", async () => {
      await fc.assert(
        fc.asyncProperty(message, async (bytes) => {
          const signed = await subject.signer.sign(bytes);
          expect(await subject.signer.verify(bytes, signed)).toBe(true);
          expect(await subject.elsewhere.verify(bytes, signed)).toBe(true);
        }),
        { numRuns: 20 },
      );
    });

    test("a signature does not verify other bytes", async () => {
      await fc.assert(
        fc.asyncProperty(message, message, async (bytes, others) => {
          fc.pre(Buffer.compare(bytes, others) !== 0);
          expect(await subject.signer.verify(others, await subject.signer.sign(bytes))).toBe(false);
        }),
        { numRuns: 20 },
      );
    });

    test("a signature with one byte changed, added or removed does not verify", async () => {
      const bytes = Buffer.from("statement");
      const { keyId, signature } = await subject.signer.sign(bytes);
      for (let at = 0; at < signature.length; at += 3) {
        const changed = Uint8Array.from(signature, (byte, index) => (index === at ? byte ^ 1 : byte));
        expect(await subject.signer.verify(bytes, { keyId, signature: changed })).toBe(false);
      }
      for (const broken of [
        signature.slice(1),
        signature.slice(0, -1),
        Buffer.concat([signature, signature]),
      ])
        expect(await subject.signer.verify(bytes, { keyId, signature: broken })).toBe(false);
    });

    test("an empty signature and one of zeros do not verify", async () => {
      const { keyId, signature } = await subject.signer.sign(Buffer.from("statement"));
      for (const none of [new Uint8Array(0), new Uint8Array(signature.length), new Uint8Array(5_000)])
        expect(await subject.signer.verify(Buffer.from("statement"), { keyId, signature: none })).toBe(false);
    });

    test("another key's signature does not verify, under its own name or under this key's", async () => {
      const bytes = Buffer.from("statement");
      const [own, others] = [await subject.signer.sign(bytes), await subject.other.sign(bytes)];
      expect(others.keyId).not.toBe(own.keyId);
      expect(await subject.signer.verify(bytes, others)).toBe(false);
      expect(await subject.signer.verify(bytes, { ...others, keyId: own.keyId })).toBe(false);
      expect(await subject.signer.verify(bytes, { ...own, keyId: others.keyId })).toBe(false);
    });

    test("the public key alone is enough to verify a signature", async () => {
      const key = createPublicKey(await subject.signer.publicKey());
      const bytes = Buffer.from("statement");
      const { signature } = await subject.signer.sign(bytes);
      const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
      expect(verify(hash, bytes, key, signature)).toBe(true);
    });
  });
};
