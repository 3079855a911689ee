import type { KnownBlock, SectionBlock } from "@slack/web-api";
import type { BoundContributors } from "#domain/approval/resolve-approvers.ts";
import type { Check } from "#domain/gates/verdict.ts";
import type { MessageState, QuestionState } from "#domain/message/message-state.ts";
import { findRemedy } from "#statemachine/remedies.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

/** https://docs.slack.dev/reference/block-kit/blocks */
const limits = {
  header: 150,
  section: 3_000,
  fieldsPerSection: 10,
  contextText: 1_000,
  changed: 1_000,
  fact: 300,
  omitted: 1_000,
  unmapped: 600,
  votes: 300,
  decisions: 600,
  leftOut: 300,
  waiting: 60,
  cause: 1_500,
  progress: 300,
  note: 500,
  /** All text of a message. Slack documents no limit: it accepted 9,597 characters and refused 11,341. */
  message: 9_500,
} as const;

/**
 * Escapes Slack's control characters (https://docs.slack.dev/messaging/formatting-message-text#escaping) and marks of
 * direction: with one of these in a name or a path, approvers would see another text than they approve. Keeps line breaks.
 */
const escapeText = (text: string) =>
  text
    .split("\n")
    .map(escapeControls)
    .join("\n")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
/** Never cuts through an escaped character or a surrogate pair. */
const clipText = (text: string, limit: number) =>
  text.length <= limit
    ? text
    : `${text
        .slice(0, limit - 1)
        .replace(/&[a-z]{0,3}$/, "")
        .replace(/[\uD800-\uDBFF]$/, "")}…`;
/**
 * As many whole parts as fit into `limit` characters, then the number of the others. Only a first part that is too long is
 * cut.
 * @param parts the most important first
 */
const joinWithinLimit = (parts: readonly string[], separator: string, limit: number): string => {
  const [first = "", ...others] = parts;
  const whole = parts.join(separator);
  if (whole.length <= limit) return whole;
  const available = limit - " and 1000 more".length;
  let text = clipText(first, available);
  for (const [index, part] of others.entries()) {
    if (text.length + part.length + separator.length > available)
      return `${text} and ${others.length - index} more`;
    text += `${separator}${part}`;
  }
  return text;
};
/** Text from outside on one line, so that it cannot imitate a line of the message. */
const escapeLine = (text: string) => escapeText(escapeControls(text));
const createSection = (text: string): SectionBlock => ({
  type: "section",
  text: { type: "mrkdwn", text: clipText(text, limits.section) },
});

const verdictEmoji = { pass: ":white_check_mark:", fail: ":x:", inconclusive: ":grey_question:" } as const;

/** The delivery in one line, for the message, its notification, the command line and the pages. */
export const formatHeadline = (state: MessageState): string => {
  const { model, version, outcome, question, progress, rolledBack, replaced } = state;
  const subject = version === null ? model : `${model} v${version}`;
  // After a person's rollback nothing of this delivery serves prod, regardless of its outcome.
  if (rolledBack && (outcome === null || outcome === "promoted" || outcome === "superseded"))
    return rolledBack.kind === "taken back"
      ? `${subject} was rolled back from prod`
      : `${subject} was stopped by a rollback of prod`;
  switch (outcome) {
    case "promoted":
      return replaced ? `${subject} was promoted and later replaced` : `${subject} serves prod`;
    case "rejected":
      return `${subject} was rejected`;
    case "expired":
      return `${subject}: the approval expired`;
    case "superseded":
      return `${subject} was superseded by a later commit`;
    case "unchanged":
      return `${model}: prod already serves this image and model`;
    case "failed":
      return `${subject}: the delivery failed`;
    case null:
      break;
    default:
      outcome satisfies never;
  }
  const trial = state.trial ? " (trial)" : "";
  if (question?.status === "open")
    return question.canaryPercent === null
      ? `Approve ${subject} for production?${trial}`
      : `Continue the inconclusive canary of ${subject}?${trial}`;
  return progress === null ? `${subject} is being delivered` : `${subject} is being rolled out to prod`;
};

/** The detail contains the measured value and the limit, so they are not repeated. */
const formatCheck = (
  { name, verdict, detail }: Check,
  maxLength: { readonly name: number; readonly detail: number },
): string =>
  `${verdictEmoji[verdict]} *${clipText(escapeText(name), maxLength.name)}* — ${clipText(escapeText(detail), maxLength.detail)}`;

/** As few sections as Slack's limit allows, each with whole lines. */
const createSections = (lines: readonly string[]): KnownBlock[] => {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length + 1 <= limits.section)
      texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts.map(createSection);
};

const moreChecksLine = "More checks are on the delivery's page.";

/** Shortens the details until every check fits into `available` characters, and only then leaves checks out. */
const createCheckSections = (checks: readonly Check[], available: number): KnownBlock[] => {
  const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length + 1, 0);
  for (const maxLength of [
    { name: 100, detail: 1_000 },
    { name: 100, detail: 200 },
    { name: 60, detail: 60 },
  ]) {
    const lines = checks.map((check) => formatCheck(check, maxLength));
    if (length(lines) <= available) return createSections(lines);
  }
  // Approvers need the checks that did not pass.
  const order = ["fail", "inconclusive", "pass"];
  const lines = checks
    .toSorted((left, right) => order.indexOf(left.verdict) - order.indexOf(right.verdict))
    .map((check) => formatCheck(check, { name: 60, detail: 60 }));
  const shown = lines.filter(
    (_, index) => length([...lines.slice(0, index + 1), moreChecksLine]) <= available,
  );
  return createSections([...shown, moreChecksLine]);
};

const formatMention = (user: string) => `<@${user}>`;
const formatMentions = (users: readonly { readonly user: string }[]) =>
  users.map(({ user }) => formatMention(user)).join(", ");

const leftOutReasons: Readonly<Record<BoundContributors["leftOut"][number]["why"], string>> = {
  contributor: "contributed to this change",
  "no address": "no e-mail address in Slack",
  "unknown address": "unknown e-mail address in Slack",
};

/** The expiry comes first, so that no number of approvers can push it out. */
const formatOpenQuestion = (question: Extract<QuestionState, { readonly status: "open" }>): string => {
  const { expiresAt, votes, quorum, approvers, leftOut, waiting = [] } = question;
  const names = (users: readonly string[], limit: number) =>
    joinWithinLimit(users.map(formatMention), ", ", limit);
  const seconds = Math.floor(expiresAt / 1_000);
  const expiry = `Expires <!date^${seconds}^{date_short_pretty} {time}|${new Date(expiresAt).toUTCString()}>.`;
  const voters = votes.map(({ user }) => user);
  const votedBy = votes.length > 0 ? ` (${names(voters, limits.votes)})` : "";
  // Waiting answers are rare; they take their place from the approvers without access.
  const leftOutLimit = limits.leftOut / (waiting.length === 0 ? 3 : 6);
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
const formatUnmapped = ({ unmapped, raisedBy }: MessageState): string => {
  const extra =
    raisedBy === 0 ? "no extra approval" : `${raisedBy} extra approval${raisedBy === 1 ? "" : "s"}`;
  const identities = unmapped.map(({ identity, why }) => `${escapeLine(identity)} (${escapeLine(why)})`);
  return `:bust_in_silhouette: *Not mapped to a person (${extra} required):* ${joinWithinLimit(identities, "; ", limits.unmapped)}`;
};

/** A canary without a verdict stays without one, whoever accepts it. */
const formatApproval = ({ canaryPercent, by }: MessageState["decisions"][number]): string =>
  canaryPercent === null
    ? `:white_check_mark: Approved by ${formatMentions(by)}`
    : `:grey_question: Inconclusive canary at ${canaryPercent} % accepted by ${formatMentions(by)}`;

const formatQuestion = (question: QuestionState | null): string | undefined => {
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
      return `:leftwards_arrow_with_hook: The approval was withdrawn: ${escapeText(question.why)}`;
    default:
      return question satisfies never;
  }
};

/**
 * The one message of a delivery: blocks, and a line for notifications.
 * @param link URL of the delivery's page, if there is one
 */
export const renderMessageBlocks = (
  state: MessageState,
  link: string | undefined,
): { text: string; blocks: KnownBlock[] } => {
  const text = formatHeadline(state);
  const facts = [
    `*Commit*\n\`${state.commit.slice(0, 12)}\`${state.author ? `, author (unverified): ${escapeLine(state.author)}` : ""}`,
    ...(state.madeBy === null
      ? []
      : [
          `*Contributors*\n${state.madeBy.length === 0 ? "none known" : joinWithinLimit(state.madeBy.map(escapeLine), ", ", limits.fact - 20)}`,
        ]),
    ...(state.version === null ? [] : [`*Registry version*\n${state.version}`]),
    ...(state.digest === null ? [] : [`*Image*\n\`${state.digest.slice(0, 19)}…\``]),
    ...(state.version === null
      ? []
      : [`*Compared with*\n${state.baseline === null ? "no champion yet" : escapeText(state.baseline)}`]),
  ];
  const builtBy =
    state.provenance &&
    `:lock: Signature verified: built from commit \`${escapeText(state.provenance.commit.slice(0, 12))}\` by \`${escapeText(state.provenance.buildId)}\` with builder \`${escapeText(state.provenance.builder.slice(0, 19))}…\``;
  const questionText = formatQuestion(state.question);
  const decisionTexts = [
    joinWithinLimit(state.decisions.map(formatApproval), "; ", limits.decisions),
    questionText ?? "",
  ].filter((decision) => decision !== "");
  const open = state.question?.status === "open" ? state.question : undefined;
  const button = { type: "button" as const };
  const plain = (label: string) => ({ type: "plain_text" as const, text: label });
  const buttons = [
    ...(open
      ? [
          {
            ...button,
            action_id: "approve",
            style: "primary" as const,
            text: plain("Approve"),
            value: open.approval,
          },
          {
            ...button,
            action_id: "reject",
            style: "danger" as const,
            text: plain("Reject…"),
            value: open.approval,
          },
        ]
      : []),
    ...(link ? [{ ...button, action_id: "open-delivery", text: plain("Open the delivery"), url: link }] : []),
  ];
  const notes = [
    ...(state.trial ? [":test_tube: *Trial:* stage and prod share an account."] : []),
    ...(state.rolledBack ? [`:rewind: *Rolled back by* ${escapeText(state.rolledBack.by)}`] : []),
    ...(state.askedAgain === null
      ? []
      : [`:arrows_counterclockwise: *Approval requested again.* ${escapeText(state.askedAgain)}`]),
    ...(open && open.canaryPercent !== null
      ? [
          `:grey_question: *The canary proved nothing:* live traffic was not enough at ${open.canaryPercent} % of prod. If you approve, it goes on without proof. If you reject, or nobody decides, prod keeps its champion.`,
        ]
      : []),
    ...(open?.stale
      ? [
          `:warning: *Prod changed:* it now serves ${escapeText(open.stale)}. If you approve, every check runs again and a new approval follows.`,
        ]
      : []),
  ];
  const above: KnownBlock[] = [
    ...(state.changed.length > 0
      ? [
          createSection(
            `:warning: *This commit changes its own gates or test data:* ${joinWithinLimit(state.changed.map(escapeLine), "; ", limits.changed)}`,
          ),
        ]
      : []),
    { type: "header", text: plain(clipText(text, limits.header)) },
    {
      type: "section",
      fields: facts.map((fact) => ({ type: "mrkdwn" as const, text: clipText(fact, limits.fact) })),
    },
    ...notes.map((note) => createSection(clipText(note, limits.note))),
    // Never cut: `parseRejectionReason` refuses a reason that does not fit.
    ...(state.question?.status === "rejected" && state.question.reason
      ? [createSection(`*Reason for the rejection:* ${escapeText(state.question.reason)}`)]
      : []),
  ];
  const below: KnownBlock[] = [
    ...(builtBy === null
      ? []
      : [
          {
            type: "context" as const,
            elements: [{ type: "mrkdwn" as const, text: clipText(builtBy, limits.fact) }],
          },
        ]),
    ...(state.unmapped.length > 0 ? [createSection(formatUnmapped(state))] : []),
    ...(state.omitted.length > 0
      ? [
          createSection(
            clipText(
              `_Not measured:_ ${state.omitted.map(({ name, why }) => `${escapeText(name)} (${escapeText(why)})`).join("; ")}`,
              limits.omitted,
            ),
          ),
        ]
      : []),
    ...(state.error
      ? [
          createSection(
            `:x: *${clipText(escapeText(state.error.name), 100)}* ${clipText(escapeText(state.error.cause), limits.cause)}`,
          ),
          createSection(`*What to do:* ${escapeText(findRemedy(state.error.name))}`),
        ]
      : []),
    ...(state.progress === null
      ? []
      : [createSection(`:rocket: ${clipText(escapeText(state.progress), limits.progress)}`)]),
    ...decisionTexts.map((decision) => ({
      type: "context" as const,
      elements: [{ type: "mrkdwn" as const, text: clipText(decision, limits.contextText) }],
    })),
    ...(buttons.length > 0 ? [{ type: "actions" as const, block_id: "decision", elements: buttons }] : []),
  ];
  const available = limits.message - countText([above, below]);
  return { text, blocks: [...above, ...createCheckSections(state.checks, available), ...below] };
};

const countText = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.entries(value).reduce(
        (sum, [key, inner]) =>
          sum + (key === "text" && typeof inner === "string" ? inner.length : countText(inner)),
        0,
      )
    : 0;
