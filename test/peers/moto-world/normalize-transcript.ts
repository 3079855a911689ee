import type { OutcomeRecord } from "#domain/delivery/outcomes.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";

/** Outcome and messages of a delivery on one engine. */
export type Transcript = {
  readonly outcome: OutcomeRecord | undefined;
  /** The texts of its messages on the desk, in their order. */
  readonly messages: readonly (readonly string[])[];
};

/** Checks that depend on the machine's clock or on chance; the outcome depends on their verdicts. */
const measuredPattern = /\*(latency p95|canary [\w ]+)\*/;

const normalizeLine = (text: string): string => {
  // Latencies, and which requests reached which version: they differ between runs.
  if (measuredPattern.test(text)) return (measuredPattern.exec(text) ?? [""])[0];
  return (
    text
      // ECR never says how many packages it scanned (docs/peers.md).
      .replace(/ in \d+ packages?\b/, " in some packages")
      .replace("; no package was scanned", "")
      // A page of CodeCommit's, or a command for the repository on this machine.
      .replace(/\bsee (?:https:\/\/|git )[^;]*/, "see the difference")
      // What a failed canary measured again, in its cause; either of two labels may have the larger shift.
      .replace(/largest label shift: .*/, "largest label shift: …")
  );
};

/** One engine's transcript of a delivery without what may differ between engines. */
export const normalizeTranscript = ({ outcome, messages }: Transcript) => ({
  // When it ended.
  outcome: outcome && {
    ...outcome,
    at: "some time",
    error: outcome.error && { ...outcome.error, cause: normalizeLine(outcome.error.cause) },
  },
  messages: messages.map((texts) => texts.flatMap((text) => text.split("\n").map(normalizeLine))),
});

/**
 * A ledger's entry without what may differ: times, what a canary measured, and the numbers that each engine gives its
 * functions' versions.
 */
export const normalizeLedgerEntry = ({
  functionVersion: _,
  startedAt,
  promotedAt,
  shares,
  checks,
  ...entry
}: Deployment) => ({
  ...entry,
  started: startedAt > 0,
  promoted: promotedAt !== null,
  // A bad canary fails as soon as that is certain: of the other checks one may pass, or have too few requests yet.
  checks: checks.map(({ name, verdict }) => (verdict === "fail" ? `${name} fails` : name)),
  shares: shares.map(({ percent }) => percent),
});
