/** A signature and the id of its key. */
type Signature = { readonly keyId: string; readonly signature: Uint8Array };

/**
 * Signs bytes, and verifies that this signer's key signed exactly these bytes. The bytes name their own purpose (DSSE's
 * payload type), so that a signature for one purpose is not valid for another.
 */
export interface Signer {
  sign(bytes: Uint8Array): Promise<Signature>;
  /** False for changed bytes, a changed signature and another key; throws if the key is not available. */
  verify(bytes: Uint8Array, signature: Signature): Promise<boolean>;
  /** The public key as PEM (SPKI), to verify signatures manually. */
  publicKey(): Promise<string>;
}
