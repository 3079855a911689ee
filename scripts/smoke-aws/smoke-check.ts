import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";

export type SmokeResult = {
  /** `not checked`: nothing there shows the behaviour, or the person may not look at it. */
  readonly status: "pass" | "fail" | "not checked";
  /** What was seen, in words; no secret. */
  readonly actual: string;
};

/** What the checks get from outside. */
export type SmokeNeeds = {
  readonly outputs: AwsOutputs;
  readonly region: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: () => number;
  /** A new id for what a check creates: lower-case letters and digits. */
  readonly newId: () => string;
  /** Rejects when the run is interrupted. */
  readonly pause: (milliseconds: number) => Promise<unknown>;
};

/** Registers how to remove what a check is about to create: call it before the write. */
type AddCleanUp = (what: string, remove: () => Promise<unknown>) => void;

export type SmokeCheck = {
  /** The behaviour, as docs/first-day.md names it. */
  readonly behaviour: string;
  readonly expected: string;
  /** What it writes, as the question for consent says it; absent: it only reads. */
  readonly writes?: string;
  /** Whether the result says something about AWS: against a server that only imitates AWS it proves nothing. */
  readonly aboutAws: boolean;
  readonly run: (addCleanUp: AddCleanUp) => Promise<SmokeResult>;
};
