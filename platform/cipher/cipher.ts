import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** Authenticated encryption bound to a context: what was encrypted for one approval opens for no other. */
export interface Cipher {
  encrypt(plaintext: string, context: Readonly<Record<string, string>>): Promise<string>;
  /** Throws CipherRefused for a wrong context, a wrong key or changed bytes. */
  decrypt(ciphertext: string, context: Readonly<Record<string, string>>): Promise<string>;
}

export class CipherRefused extends SlipwayError {
  override readonly name = "CipherRefused";
  override readonly retryable = false;
}
