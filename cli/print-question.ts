import { paint, print, printTable } from "#cli/print.ts";
import { describeInconclusiveCanary } from "#domain/canary/explain-inconclusive.ts";
import { formatComparisons } from "#domain/message/format-comparisons.ts";
import { formatHeadline } from "#domain/message/format-headline.ts";
import { formatRejection } from "#domain/message/format-rejection.ts";
import { formatRollout } from "#domain/message/format-rollout.ts";
import { formatVerdict } from "#domain/message/format-verdict.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

const styles = { pass: "green", fail: "red", inconclusive: "yellow" } as const;
const marks = { pass: "✓", fail: "✗", inconclusive: "?" } as const;

/** Prints what Slack's message shows an approver, with every check: who approves here has not seen it there. */
export const printQuestion = (state: MessageState): void => {
  const line = (text: string): void => print(escapeControls(text));
  line(formatHeadline(state));
  line(formatVerdict(state));
  for (const note of listNotes(state)) print(`${paint("yellow", "!")} ${escapeControls(note)}`);
  for (const change of state.changed) print(`${paint("yellow", "!")} ${escapeControls(change)}`);
  const { header, rows } = formatComparisons(state);
  if (rows.length > 0) printTable(header, rows);
  for (const { name, verdict, detail } of state.checks)
    print(`${paint(styles[verdict], marks[verdict])} ${escapeControls(`${name}: ${detail}`)}`);
  for (const { name, why, remedy } of state.omitted)
    print(
      `${paint("yellow", "–")} ${escapeControls(`${name} was not checked: ${why}${remedy === undefined ? "" : `. ${remedy}`}`)}`,
    );
  const author = state.author === "" ? "" : `, author (unverified): ${state.author}`;
  line(`Commit ${state.commit.slice(0, 12)}${state.subject === null ? "" : ` ${state.subject}`}${author}`);
  for (const link of [state.links?.commit, state.links?.diff])
    if (link) line(`  ${link.kind === "page" ? link.url : link.line}`);
  if (state.renewed.length > 0) line(`New with this commit: ${state.renewed.join("; ")}`);
  for (const { identity, why } of state.unmapped)
    line(`Not mapped to a person, ${state.raisedBy} extra approvals required in all: ${identity} (${why})`);
  if (state.madeBy !== null)
    line(`Contributors: ${state.madeBy.length === 0 ? "none known" : state.madeBy.join(", ")}`);
  if (state.provenance)
    line(
      `Image ${state.digest?.slice(0, 19)}…, signature verified: built from commit ${state.provenance.commit.slice(0, 12)} by ${state.provenance.buildId}`,
    );
  if (state.baseline !== null) line(`Compared with ${state.baseline}, which prod served then`);
  for (const { canaryPercent, by } of state.decisions)
    line(
      `Approved before by ${formatNames(by)}: ${canaryPercent === null ? "it goes to prod" : `the canary goes on from ${canaryPercent} % without a verdict`}`,
    );
  if (state.breakGlass)
    line(`Although prod was closed, ${state.breakGlass.name} let it go on: ${state.breakGlass.reason}`);
  if (state.question?.status !== "open") return;
  const { votes, quorum, approvers, leftOut, waiting = [], expiresAt, canaryPercent } = state.question;
  if (canaryPercent === null && state.rollout !== undefined) line(formatRollout(state.rollout));
  const voters = votes.length === 0 ? "" : ` (${formatNames(votes)})`;
  line(
    `${votes.length} of ${quorum} approvals${voters} · approvers: ${approvers.join(", ") || "nobody"} · until ${new Date(expiresAt).toISOString()}`,
  );
  if (waiting.length > 0) line(`Answers that count once Slack shows the address: ${formatNames(waiting)}`);
  if (leftOut.length > 0) line(`No access: ${leftOut.map(({ user, why }) => `${user} (${why})`).join(", ")}`);
};

const formatNames = (people: readonly { readonly name: string }[]): string =>
  people.map(({ name }) => name).join(", ");

/** What else an approver has to know before the checks. */
const listNotes = ({
  trial,
  askedAgain,
  question,
  rejectedBefore,
  checks,
}: MessageState): readonly string[] => {
  const open = question?.status === "open" ? question : undefined;
  const canary =
    open && open.canaryPercent !== null ? describeInconclusiveCanary(open.canaryPercent, checks) : undefined;
  return [
    ...(rejectedBefore ? [`${formatRejection(rejectedBefore)}.`] : []),
    ...(trial ? ["Trial: stage and prod share an account."] : []),
    ...(askedAgain === null ? [] : [`Approval requested again. ${askedAgain}`]),
    ...(canary ? [`${canary.what}: ${canary.why}. If you approve, it goes on without proof.`] : []),
    ...(open?.stale
      ? [
          `Prod changed: it now serves ${open.stale}. If you approve, every check runs again and a new approval follows.`,
        ]
      : []),
  ];
};
