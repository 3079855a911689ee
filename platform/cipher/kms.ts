import {
  DecryptCommand,
  EncryptCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  type KMSClient,
} from "@aws-sdk/client-kms";
import { callAws } from "#platform/errors/call-aws.ts";
import { type Cipher, CipherRefused } from "./cipher.ts";

/** KMS's limit for one text; a task token has at most 2,048 characters. */
const maxBytes = 4_096;
/** The version of the envelope's format: another algorithm needs another prefix. */
const envelopePrefix = "k1.";

/**
 * Encrypts with a symmetric KMS key. The context becomes KMS's encryption context, which CloudTrail logs, so it must
 * not hold secrets. Envelope: `k1.` and base64url of KMS's ciphertext. Texts have 1 to 4,096 bytes (RangeError above).
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
 */
export const createKmsCipher = (needs: {
  readonly client: KMSClient;
  /** The key's id, ARN or alias. */
  readonly key: string;
}): Cipher => {
  const { client, key } = needs;
  const createRefusal = (cause?: unknown) =>
    new CipherRefused("This text was changed, or encrypted for another context or with another key.", {
      cause,
    });
  return {
    encrypt: async (plaintext, context) => {
      const bytes = Buffer.from(plaintext, "utf8");
      if (bytes.length > maxBytes)
        throw new RangeError(`The text has ${bytes.length} bytes (KMS's limit is ${maxBytes}).`);
      const command = new EncryptCommand({ KeyId: key, Plaintext: bytes, EncryptionContext: { ...context } });
      const { CiphertextBlob } = await callAws("KMS Encrypt", () => client.send(command));
      if (CiphertextBlob === undefined) throw new Error("KMS Encrypt returned no ciphertext.");
      return envelopePrefix + Buffer.from(CiphertextBlob).toString("base64url");
    },

    decrypt: async (ciphertext, context) => {
      const body = ciphertext.slice(envelopePrefix.length);
      const envelope = Buffer.from(body, "base64url");
      // Several texts decode to the same bytes; only the one that `encrypt` returned is valid.
      if (!ciphertext.startsWith(envelopePrefix) || body === "" || envelope.toString("base64url") !== body)
        throw createRefusal();
      // With a KeyId, KMS refuses texts that another key of the account encrypted.
      const command = new DecryptCommand({
        KeyId: key,
        CiphertextBlob: envelope,
        EncryptionContext: { ...context },
      });
      try {
        const { Plaintext } = await callAws("KMS Decrypt", () => client.send(command));
        return Buffer.from(Plaintext ?? new Uint8Array(0)).toString("utf8");
      } catch (error) {
        if (error instanceof InvalidCiphertextException || error instanceof IncorrectKeyException)
          throw createRefusal(error);
        throw error;
      }
    },
  };
};
