import type { BoundContributors } from "#domain/approval/resolve-approvers.ts";
import type { MessageState, QuestionState } from "#domain/message/message-state.ts";
import { formatMention } from "./format-mention.ts";
import { formatTime } from "./format-time.ts";
import { escapeLine, joinWithinLimit, showLiterally } from "./message-text.ts";

const limits = { contextText: 1_000, unmapped: 600, votes: 300, leftOut: 300, waiting: 60 } as const;

const formatMentions = (users: readonly { readonly user: string }[]) =>
  users.map(({ user }) => formatMention(user)).join(", ");

const leftOutReasons: Readonly<Record<BoundContributors["leftOut"][number]["why"], string>> = {
  contributor: "contributed to this change",
  "no address": "no e-mail address in Slack",
  "unknown address": "unknown e-mail address in Slack",
  guest: "guest of the workspace",
};

/** The expiry comes first, so that no number of approvers can push it out. */
const formatOpenQuestion = (question: Extract<QuestionState, { readonly status: "open" }>): string => {
  const { expiresAt, votes, quorum, approvers, leftOut, waiting = [] } = question;
  const names = (users: readonly string[], limit: number) =>
    joinWithinLimit(users.map(formatMention), ", ", limit);
  const expiry = `Expires ${formatTime(expiresAt)}.`;
  const voters = votes.map(({ user }) => user);
  const votedBy = votes.length > 0 ? ` (${names(voters, limits.votes)})` : "";
  // Waiting answers are rare; they take their place from the approvers without access.
  const leftOutLimit = limits.leftOut / (waiting.length === 0 ? 4 : 8);
  const excluded = Object.entries(leftOutReasons).flatMap(([why, reason]) => {
    const users = leftOut.filter((approver) => approver.why === why).map(({ user }) => user);
    return users.length === 0 ? [] : [` No access (${reason}): ${names(users, leftOutLimit)}.`];
  });
  const before = `${expiry}${quorum > 1 ? ` ${votes.length} of ${quorum} approvals${votedBy}.` : ""} Approvers: `;
  const waitingNames = names(
    waiting.map(({ user }) => user),
    limits.waiting,
  );
  const postponed =
    waiting.length === 0 ? "" : ` Answers that count once Slack shows the address: ${waitingNames}.`;
  const available = limits.contextText - before.length - excluded.join("").length - postponed.length - 1;
  const eligible = approvers.length === 0 ? "nobody" : names(approvers, available);
  return `${before}${eligible}.${postponed}${excluded.join("")}`;
};

/** The number of extra approvals comes first, so that no number of identities can push it out. */
export const formatUnmapped = ({ unmapped, raisedBy }: MessageState): string => {
  const extra =
    raisedBy === 0 ? "no extra approval" : `${raisedBy} extra approval${raisedBy === 1 ? "" : "s"}`;
  const identities = unmapped.map(
    ({ identity, why }) => `${showLiterally(escapeLine(identity))} (${escapeLine(why)})`,
  );
  return `:bust_in_silhouette: *Not mapped to a person (${extra} required):* ${joinWithinLimit(identities, "; ", limits.unmapped)}`;
};

/** A canary without a verdict stays without one, whoever accepts it. */
export const formatApproval = ({ canaryPercent, by }: MessageState["decisions"][number]): string =>
  canaryPercent === null
    ? `:white_check_mark: Approved by ${formatMentions(by)}`
    : `:grey_question: Inconclusive canary at ${canaryPercent} % accepted by ${formatMentions(by)}`;

export const formatQuestion = (question: QuestionState | null): string | undefined => {
  switch (question?.status) {
    case undefined:
      return undefined;
    case "open":
      return formatOpenQuestion(question);
    case "approved":
      return formatApproval(question);
    case "rejected":
      return `:no_entry: Rejected by ${formatMentions(question.by)}${question.reason ? ", see the reason above" : ""}`;
    case "expired":
      return ":hourglass: The approval expired without a decision";
    case "withdrawn":
      return `:leftwards_arrow_with_hook: The approval was withdrawn: ${escapeLine(question.why)}`;
    default:
      return question satisfies never;
  }
};
