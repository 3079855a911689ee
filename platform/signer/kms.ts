import { createHash, createPublicKey } from "node:crypto";
import {
  GetPublicKeyCommand,
  type KMSClient,
  KMSInvalidSignatureException,
  SignCommand,
  VerifyCommand,
} from "@aws-sdk/client-kms";
import { callAws } from "#platform/errors/call-aws.ts";
import type { Signer } from "./signer.ts";

const algorithm = "ECDSA_SHA_256";
/** KMS hashes up to this many bytes itself; for longer input it gets the hash, with the same signature format. */
const maxBytes = 4_096;
/** The longest DER form of two 256-bit numbers; KMS refuses a longer signature as an invalid request. */
const maxSignatureBytes = 72;

/**
 * ECDSA over P-256 and SHA-256 with an asymmetric KMS key (ECC_NIST_P256, SIGN_VERIFY), for bytes of any length.
 * KMS also verifies, so that a disabled key no longer proves anything.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 */
export const createKmsSigner = ({
  client,
  key,
}: {
  readonly client: KMSClient;
  /** The key's ARN, as KMS returns it. */
  readonly key: string;
}): Signer => {
  const request = (bytes: Uint8Array) => ({
    KeyId: key,
    ...(bytes.length > 0 && bytes.length <= maxBytes
      ? { Message: bytes, MessageType: "RAW" as const }
      : { Message: createHash("sha256").update(bytes).digest(), MessageType: "DIGEST" as const }),
    SigningAlgorithm: algorithm as typeof algorithm,
  });
  return {
    sign: async (bytes) => {
      const { Signature } = await callAws("KMS Sign", () => client.send(new SignCommand(request(bytes))));
      if (Signature === undefined) throw new Error("KMS Sign returned no signature.");
      return { keyId: key, signature: Signature };
    },
    verify: async (bytes, { keyId, signature }) => {
      if (keyId !== key || signature.length === 0 || signature.length > maxSignatureBytes) return false;
      const command = new VerifyCommand({ ...request(bytes), Signature: signature });
      return callAws("KMS Verify", async () => {
        try {
          return (await client.send(command)).SignatureValid === true;
        } catch (error) {
          if (error instanceof KMSInvalidSignatureException) return false;
          throw error;
        }
      });
    },
    publicKey: async () => {
      const command = new GetPublicKeyCommand({ KeyId: key });
      const { PublicKey } = await callAws("KMS GetPublicKey", () => client.send(command));
      if (PublicKey === undefined) throw new Error("KMS GetPublicKey returned no key.");
      const spki = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
      return String(spki.export({ type: "spki", format: "pem" }));
    },
  };
};
