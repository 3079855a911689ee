import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { loadOrCreateFile } from "#platform/blobs/load-or-create-file.ts";
import { DataFolderUnusable, toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { loadOnce } from "#platform/secrets/load-once.ts";
import { type Cipher, CipherRefused } from "./cipher.ts";

const algorithm = "aes-256-gcm";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** The version of the envelope's format: another algorithm needs another prefix. */
const envelopePrefix = "v1.";

/** Sorts the names, so that equal contexts give equal bytes. */
const encodeContext = (context: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(
    `${envelopePrefix}${JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))}`,
    "utf8",
  );

const readKey = async (file: string): Promise<Buffer | undefined> => {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw toDataFolderError(file, error);
  });
  if (text === undefined) return undefined;
  const key = Buffer.from(text.trim(), "base64");
  if (key.length === keyBytes) return key;
  throw new DataFolderUnusable(
    `${file} holds no key of ${keyBytes} bytes. Restore the key file, or start over with --fresh.`,
  );
};

/**
 * AES-256-GCM with the key in `file` and the context as additional data (NIST SP 800-38D).
 * Envelope: `v1.` and base64url of nonce (12 bytes), tag (16), ciphertext. Each message has a random nonce,
 * which is safe for 2^32 messages per key: far more than there will be approvals.
 */
export const createKeyFileCipher = (needs: {
  readonly file: string;
  readonly random?: (bytes: number) => Buffer;
}): Cipher => {
  const random = needs.random ?? randomBytes;
  const key = loadOnce(() =>
    loadOrCreateFile(needs.file, {
      read: readKey,
      create: () => Buffer.from(`${random(keyBytes).toString("base64")}\n`),
    }),
  );

  return {
    encrypt: async (plaintext, context) => {
      const nonce = random(nonceBytes);
      const cipher = createCipheriv(algorithm, await key(), nonce, { authTagLength: tagBytes });
      cipher.setAAD(encodeContext(context));
      const text = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
      return envelopePrefix + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url");
    },

    decrypt: async (ciphertext, context) => {
      const secret = await key();
      const createRefusal = (cause?: unknown) =>
        new CipherRefused("This text was changed, or encrypted for another context or with another key.", {
          cause,
        });
      const body = ciphertext.slice(envelopePrefix.length);
      const envelope = Buffer.from(body, "base64url");
      // Several texts decode to the same bytes; only the one that `encrypt` returned is valid.
      const isCanonical = ciphertext.startsWith(envelopePrefix) && envelope.toString("base64url") === body;
      if (!isCanonical || envelope.length < nonceBytes + tagBytes) throw createRefusal();
      try {
        const decipher = createDecipheriv(algorithm, secret, envelope.subarray(0, nonceBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(encodeContext(context));
        decipher.setAuthTag(envelope.subarray(nonceBytes, nonceBytes + tagBytes));
        const text = decipher.update(envelope.subarray(nonceBytes + tagBytes));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (error) {
        throw createRefusal(error);
      }
    },
  };
};
