import type { OutcomeRecord } from "#domain/delivery/outcomes.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";

/** Outcome and messages of a delivery on one engine. */
export type Transcript = {
  readonly outcome: OutcomeRecord | undefined;
  /** The texts of its messages on the desk, in order. */
  readonly messages: readonly (readonly string[])[];
};

/** Checks that depend on the machine's clock or on chance; the outcome depends on their verdicts. */
const measuredPattern = /\*(latency p95|canary [\w ]+)\*/;

/** A whole line of a check of the live canary. */
const canaryCheckLine = /^:\w+: \*canary [\w ]+\*/;
const failedCanaryCheckLine = /^:x: \*canary [\w ]+\*/;

/** Rows of the table, and parts of the notification, whose numbers differ between runs. */
const measuredRow = /^(?:. )?(latency p95|cost per million|cold start|image size)\b.*$/;

const normalizePart = (text: string): string => {
  // Latencies, and the versions that requests reached, differ between runs.
  if (measuredPattern.test(text)) return (measuredPattern.exec(text) ?? [""])[0];
  if (measuredRow.test(text)) return text.replace(measuredRow, "$1");
  return (
    text
      // ECR never says how many packages it scanned (docs/peers.md).
      .replace(/ in \d+ packages?\b/, " in some packages")
      .replace("; no package was scanned", "")
      // Only CodeCommit has a page of a commit.
      .replace(/ · <https[^|]*\|commit>/, "")
      // A page of CodeCommit's, or a command for the repository on this machine.
      .replace(/ · (?:<https[^|]*\|difference to prod>|difference to prod: `git ).*/, " · the difference")
      // The hash is over times and addresses, too. The number depends on whether a sweep has recorded the end of the delivery
      // before this one.
      .replace(/^(\*Audit:\*) \d+ · [0-9a-f]{16}$/, "$1 … · …")
      // How advisories are loaded differs.
      .replace(/(\*vulnerabilities\*: no advisories) for [^;]*/, "$1")
      // A failed canary's cause repeats the measured shift; either of two labels may have the larger one.
      .replace(/largest label shift: .*/, "largest label shift: …")
  );
};

/**
 * The lines of a message. A bad canary fails as soon as one check fails for certain: its other checks may pass by then, or
 * have too few requests, so that only their number and the failed ones are comparable.
 */
const normalizeMessage = (texts: readonly string[]): readonly string[] => {
  const lines = texts.flatMap((text) => text.split("\n"));
  const hasFailedCanary = lines.some((line) => failedCanaryCheckLine.test(line));
  return (
    lines
      .filter((line) => !hasFailedCanary || !canaryCheckLine.test(line) || failedCanaryCheckLine.test(line))
      .map((line) =>
        hasFailedCanary
          ? line.replace(
              /^(\d+ failed) · (\d+) passed(?: · (\d+) inconclusive)?/,
              (_, failed: string, passed: string, inconclusive = "0") =>
                `${failed} · ${Number(passed) + Number(inconclusive)} did not fail`,
            )
          : line,
      )
      .flatMap((line) =>
        canaryCheckLine.test(line) || line.includes("largest label shift: ") ? [line] : line.split("; "),
      )
      .map(normalizePart)
      // Not every platform reports a cold start.
      .filter((text) => text !== "cold start")
  );
};

/** One engine's transcript of a delivery without what may differ between engines. */
export const normalizeTranscript = ({ outcome, messages }: Transcript) => ({
  // The times differ.
  outcome: outcome && {
    ...outcome,
    at: "some time",
    error: outcome.error && { ...outcome.error, cause: normalizePart(outcome.error.cause) },
  },
  messages: messages.map(normalizeMessage),
});

/**
 * A ledger's entry without what may differ: times, a canary's measurements, and the numbers that each engine gives its
 * functions' versions.
 */
export const normalizeLedgerEntry = ({
  functionVersion: _,
  startedAt,
  promotedAt,
  takenBackAt,
  shares,
  checks,
  ...entry
}: Deployment) => ({
  ...entry,
  started: startedAt > 0,
  promoted: promotedAt !== null,
  takenBack: takenBackAt !== null,
  // A bad canary fails as soon as one check fails for certain: the others may pass, or have too few requests.
  checks: checks.map(({ name, verdict }) => (verdict === "fail" ? `${name} fails` : name)),
  shares: shares.map(({ percent }) => percent),
});
