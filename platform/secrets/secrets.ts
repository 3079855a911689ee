/** Secrets by name; a value is never logged and never cached beyond a process. */
export interface Secrets {
  /** Throws SecretMissing with the remedy. */
  read(name: string): Promise<string>;
}

export class SecretMissing extends Error {
  override readonly name = "SecretMissing";
}
