import type { Check } from "../../statemachine/contracts.ts";

export const latencyCheck = (_: {
  readonly latenciesMs: readonly number[];
  readonly coldStartMs?: number | undefined;
  /** Milliseconds. */
  readonly limit: number;
}): Check => {
  throw new Error("follows");
};
