/** One signature and the name of the key that made it. */
type Signature = { readonly keyId: string; readonly signature: Uint8Array };

/**
 * Signs bytes, and says of a signature whether this signer's key made it for these very bytes. What is signed names
 * its own purpose (DSSE's payload type), so that a signature for one purpose is none for another.
 */
export interface Signer {
  sign(bytes: Uint8Array): Promise<Signature>;
  /** False for changed bytes, a changed signature and another key; a key that cannot be reached is thrown, never false. */
  verify(bytes: Uint8Array, signature: Signature): Promise<boolean>;
  /** The public key as PEM (SPKI), for whoever verifies by hand. */
  publicKey(): Promise<string>;
}
