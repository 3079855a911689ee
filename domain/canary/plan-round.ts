import type { CanaryLook } from "./canary-look.ts";

/** A round is as long as this, or a 300th of the canary's age: so a canary of months has fewer than 3,000 rounds, which
 * stay below the 25,000 events of an execution (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). */
const shortestRoundMs = 60_000;
const ageShare = 300;
/** How long a round lasts at this age of the canary, milliseconds. */
export const computeRoundMs = (ageMs: number): number =>
  Math.max(shortestRoundMs, Math.max(0, ageMs) / ageShare);
/** Between two judgements, this many measurements at most. */
const samplesPerBake = 20;

/**
 * Whether the canary is judged in this round: at the end of a bake, not at each round, because each judgement is another
 * chance of a false result. A hold that ended, a "go" and a retry of a round that decided something do not wait.
 */
export const isLookDue = ({
  now,
  since,
  bakeMs,
  last,
  held,
  asked,
}: {
  readonly now: number;
  /** When this step's share began. */
  readonly since: number;
  readonly bakeMs: number;
  /** The last judgement of this step. */
  readonly last: CanaryLook["last"] | undefined;
  readonly held: boolean;
  /** Somebody ordered "go". */
  readonly asked: boolean;
}): boolean => {
  if (asked) return true;
  const from = last?.at ?? since;
  // The clock may have been set back.
  if (now < from || now - from >= bakeMs) return true;
  return last ? last.next !== "bake" || (last.held && !held) : false;
};

/** Whether a measurement between two judgements is due, for the charts. */
export const isSampleDue = ({
  now,
  startedAt,
  bakeMs,
  lastAt,
}: {
  readonly now: number;
  readonly startedAt: number;
  readonly bakeMs: number;
  readonly lastAt: number | undefined;
}): boolean =>
  lastAt === undefined ||
  now - lastAt >= Math.max(shortestRoundMs, bakeMs / samplesPerBake, (now - startedAt) / ageShare);

/**
 * How long the state machine waits until the next round: short, so that an order acts soon, and exactly until the next
 * judgement where that is near. Whole seconds.
 */
export const planWait = ({
  now,
  startedAt,
  nextLookAt,
}: {
  readonly now: number;
  readonly startedAt: number;
  readonly nextLookAt: number;
}): number => {
  const age = Math.max(0, now - startedAt) / ageShare;
  const round = computeRoundMs(now - startedAt);
  const left = nextLookAt - now;
  const wait = left < 2 * round ? Math.max(left, age) : round;
  return Math.max(1, Math.ceil(wait / 1_000));
};
