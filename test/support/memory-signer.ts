import { createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import type { Signer } from "#platform/signer/signer.ts";

/** A signer with a temporary key. */
export const memorySigner = (): Signer => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = String(publicKey.export({ type: "spki", format: "pem" }));
  const keyId = createHash("sha256").update(pem).digest("hex");
  return {
    sign: async (bytes) => ({ keyId, signature: sign(null, bytes, privateKey) }),
    verify: async (bytes, signed) =>
      signed.keyId === keyId && verify(null, bytes, publicKey, signed.signature),
    publicKey: async () => pem,
  };
};
