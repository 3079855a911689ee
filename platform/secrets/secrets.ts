/** Secrets by name. Never log a value and never cache it beyond the process. */
export interface Secrets {
  /** Throws SecretMissing with the remedy. */
  read(name: string): Promise<string>;
}

export class SecretMissing extends Error {
  override readonly name = "SecretMissing";
}
