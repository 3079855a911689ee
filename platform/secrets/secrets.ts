import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** Secrets by name; a value is never logged and never cached beyond a process. */
export interface Secrets {
  /** Throws SecretMissing with the remedy. */
  read(name: string): Promise<string>;
}

export class SecretMissing extends SlipwayError {
  override readonly name = "SecretMissing";
  override readonly retryable = false;
}
