import type { Json } from "#platform/store/store.ts";

/** Starts one function with an event, and returns before the function has run. */
export interface AsyncInvocation {
  /** Resolves when the event is accepted. It is then run at least once, also after this process has ended on AWS. */
  start(event: Json): Promise<void>;
}

/**
 * How often a failed event is run again, and when it is given up. Terraform configures Lambda with it, and the embedded
 * world does the same: a minute before the first retry, two before the second.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export const asyncRetries = {
  delaysSeconds: [60, 120],
  maxAgeSeconds: 900,
} as const;
