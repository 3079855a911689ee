/** Authenticated encryption bound to a context, so that no approval can decrypt another one's text. */
export interface Cipher {
  encrypt(plaintext: string, context: Readonly<Record<string, string>>): Promise<string>;
  /** Throws CipherRefused for a wrong context, a wrong key or changed bytes. */
  decrypt(ciphertext: string, context: Readonly<Record<string, string>>): Promise<string>;
}

export class CipherRefused extends Error {
  override readonly name = "CipherRefused";
}
