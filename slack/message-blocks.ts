import type { KnownBlock, SectionBlock } from "@slack/web-api";
import type { BoundContributors } from "#domain/approval/resolve-approvers.ts";
import type { Check } from "#domain/gates/verdict.ts";
import type { MessageState, QuestionState } from "#domain/message/message-state.ts";
import { findRemedy } from "#statemachine/remedies.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

/** Slack's limits on what we use: https://docs.slack.dev/reference/block-kit/blocks */
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
  leftOut: 300,
  cause: 1_500,
  progress: 300,
  note: 500,
  /** All text of a message: Slack does not say where it ends, 9,597 characters passed and 11,341 did not. */
  message: 9_500,
} as const;

/**
 * Slack's control characters (https://docs.slack.dev/messaging/formatting-message-text#escaping), and what turns text around:
 * a mark of direction in a name or a path shows another text than what is approved. Lines stay.
 */
const escapeText = (text: string) =>
  text
    .split("\n")
    .map(escapeControls)
    .join("\n")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
/** At most `limit` characters; an escaped one, or one of two UTF-16 units, is not cut in two. */
const clipText = (text: string, limit: number) =>
  text.length <= limit
    ? text
    : `${text
        .slice(0, limit - 1)
        .replace(/&[a-z]{0,3}$/, "")
        .replace(/[\uD800-\uDBFF]$/, "")}…`;
/**
 * Whole parts in `limit` characters, most important first, and the number of those that have no room. A first one that
 * is too long by itself is cut.
 */
const joinWithinLimit = (parts: readonly string[], separator: string, limit: number): string => {
  const [first = "", ...others] = parts;
  const whole = parts.join(separator);
  if (whole.length <= limit) return whole;
  const room = limit - " and 1000 more".length;
  let text = clipText(first, room);
  for (const [index, part] of others.entries()) {
    if (text.length + part.length + separator.length > room)
      return `${text} and ${others.length - index} more`;
    text += `${separator}${part}`;
  }
  return text;
};
/** What others wrote, on one line, so that it looks like no line of ours. */
const escapeLine = (text: string) => escapeText(escapeControls(text));
const createSection = (text: string): SectionBlock => ({
  type: "section",
  text: { type: "mrkdwn", text: clipText(text, limits.section) },
});

const verdictEmoji = { pass: ":white_check_mark:", fail: ":x:", inconclusive: ":grey_question:" } as const;

/** The delivery in one line, as the message, its notification, the command and the pages say it. */
export const formatHeadline = (state: MessageState): string => {
  const { model, version, outcome, question, progress, rolledBack, replaced } = state;
  const what = version === null ? model : `${model} version ${version}`;
  // A person's rollback has the last word, and its own words: nothing of this delivery serves prod any more.
  if (rolledBack && (outcome === null || outcome === "promoted" || outcome === "superseded"))
    return rolledBack.kind === "taken back"
      ? `${what} was taken back from prod`
      : `${what} was stopped by a rollback of prod`;
  switch (outcome) {
    case "promoted":
      return replaced ? `${what} was promoted, and replaced later` : `${what} serves prod`;
    case "rejected":
      return `${what} was rejected`;
    case "expired":
      return `${what}: nobody answered in time`;
    case "superseded":
      return `${what} was superseded by a later commit`;
    case "unchanged":
      return `${model}: prod already serves this very model`;
    case "failed":
      return `${what} was not delivered`;
    case null:
      break;
    default:
      outcome satisfies never;
  }
  if (question?.status === "open") return `May ${what} go to prod?`;
  return progress === null ? `${what} is being delivered` : `${what} is on its way to prod`;
};

/** The detail is a sentence with the measured value, its interval and the limit in it: no number stands twice. */
const formatCheck = (
  { name, verdict, detail }: Check,
  longest: { readonly name: number; readonly detail: number },
): string =>
  `${verdictEmoji[verdict]} *${clipText(escapeText(name), longest.name)}* — ${clipText(escapeText(detail), longest.detail)}`;

/** Lines in as few sections as Slack's limit on their length allows; a line is never cut in two. */
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

/** Every check in `room` characters: what is too long is told more shortly, and left out only in the end. */
const createCheckSections = (checks: readonly Check[], room: number): KnownBlock[] => {
  const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length + 1, 0);
  for (const longest of [
    { name: 100, detail: 1_000 },
    { name: 100, detail: 200 },
    { name: 60, detail: 60 },
  ]) {
    const lines = checks.map((check) => formatCheck(check, longest));
    if (length(lines) <= room) return createSections(lines);
  }
  // What did not pass is what the reader came for.
  const order = ["fail", "inconclusive", "pass"];
  const lines = checks
    .toSorted((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict))
    .map((check) => formatCheck(check, { name: 60, detail: 60 }));
  const shown = lines.filter((_, index) => length([...lines.slice(0, index + 1), moreChecksLine]) <= room);
  return createSections([...shown, moreChecksLine]);
};

const formatMention = (user: string) => `<@${user}>`;
const formatMentions = (by: readonly { readonly user: string }[]) =>
  by.map(({ user }) => formatMention(user)).join(", ");

const leftOutReasons: Readonly<Record<BoundContributors["leftOut"][number]["why"], string>> = {
  contributor: "they made this change",
  "no address": "Slack shows no address of theirs",
  "unknown address":
    "their address in Slack is neither in the organisation's domains nor on the platform's list",
};

/**
 * Until when, how many have answered, who may answer and who may not: the time first, because no number of people may
 * push it out.
 */
const formatOpenQuestion = (question: Extract<QuestionState, { readonly status: "open" }>): string => {
  const { expiresAt, votes, quorum, approvers, leftOut } = question;
  const names = (users: readonly string[], limit: number) =>
    joinWithinLimit(users.map(formatMention), ", ", limit);
  const seconds = Math.floor(expiresAt / 1_000);
  const until = `Until <!date^${seconds}^{date_short_pretty} {time}|${new Date(expiresAt).toUTCString()}>.`;
  const voters = votes.map(({ user }) => user);
  const given = votes.length > 0 ? ` (${names(voters, limits.votes)})` : "";
  const left = Object.entries(leftOutReasons).flatMap(([why, because]) => {
    const users = leftOut.filter((each) => each.why === why).map(({ user }) => user);
    return users.length === 0 ? [] : [` Not, because ${because}: ${names(users, limits.leftOut / 3)}.`];
  });
  const before = `${until}${quorum > 1 ? ` ${votes.length} of ${quorum} approvals${given}.` : ""} Who may answer: `;
  const room = limits.contextText - before.length - left.join("").length - 1;
  const may = approvers.length === 0 ? "nobody" : names(approvers, room);
  return `${before}${may}.${left.join("")}`;
};

/** Who had a part in the change and is no person by the platform's map, and what that asks for: first, so that it stays. */
const formatUnmapped = ({ unmapped, raisedBy, question }: MessageState): string => {
  const [is, are] = question?.status === "open" ? ["is", "are"] : ["was", "were"];
  const more = raisedBy === 1 ? `1 more approval ${is}` : `${raisedBy} more approvals ${are}`;
  const needed = raisedBy === 0 ? `, and no more approvals ${are} needed` : `: ${more} needed`;
  const who = unmapped.map(({ identity, why }) => `${escapeLine(identity)} (${escapeLine(why)})`);
  return `:bust_in_silhouette: *Not mapped to a person${needed}.* ${joinWithinLimit(who, "; ", limits.unmapped)}`;
};

/** Where the question stands, in Slack's markup. */
const formatQuestion = (question: QuestionState | null): string | undefined => {
  switch (question?.status) {
    case undefined:
      return undefined;
    case "open":
      return formatOpenQuestion(question);
    case "approved":
      return `:white_check_mark: Approved by ${formatMentions(question.by)}`;
    case "rejected":
      return `:no_entry: Rejected by ${formatMentions(question.by)}${question.reason ? ": the reason stands above" : ""}`;
    case "expired":
      return ":hourglass: The question expired without an answer";
    case "withdrawn":
      return `:leftwards_arrow_with_hook: The question was withdrawn: ${escapeText(question.why)}`;
    default:
      return question satisfies never;
  }
};

/**
 * The one message of a delivery, as Slack blocks and as a line for notifications.
 * @param link address of the delivery's page; undefined where there is none
 */
export const renderMessageBlocks = (
  state: MessageState,
  link: string | undefined,
): { text: string; blocks: KnownBlock[] } => {
  const text = formatHeadline(state);
  const facts = [
    `*Commit*\n\`${state.commit.slice(0, 12)}\`${state.author ? `, its author by its own word: ${escapeLine(state.author)}` : ""}`,
    ...(state.madeBy === null
      ? []
      : [
          `*Made by*\n${state.madeBy.length === 0 ? "nobody known" : joinWithinLimit(state.madeBy.map(escapeLine), ", ", limits.fact - 20)}`,
        ]),
    ...(state.version === null ? [] : [`*Registry version*\n${state.version}`]),
    ...(state.digest === null ? [] : [`*Image*\n\`${state.digest.slice(0, 19)}…\``]),
    ...(state.version === null
      ? []
      : [`*Measured against*\n${state.baseline === null ? "nothing yet" : escapeText(state.baseline)}`]),
  ];
  const builtBy =
    state.provenance &&
    `:lock: Signature verified: built from commit \`${escapeText(state.provenance.commit.slice(0, 12))}\` by \`${escapeText(state.provenance.buildId)}\` with builder \`${escapeText(state.provenance.builder.slice(0, 19))}…\``;
  const standing = formatQuestion(state.question);
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
    ...(state.rolledBack ? [`:rewind: *Rolled back by* ${escapeText(state.rolledBack.by)}`] : []),
    ...(state.askedAgain === null
      ? []
      : [`:arrows_counterclockwise: *Asked again.* ${escapeText(state.askedAgain)}`]),
    ...(open?.stale
      ? [
          `:warning: *Prod changed:* it serves ${escapeText(open.stale)} now. An approval leads to new measurements and to another question.`,
        ]
      : []),
  ];
  const above: KnownBlock[] = [
    ...(state.changed.length > 0
      ? [
          createSection(
            `:warning: *This commit changes its own rules or yardsticks:* ${joinWithinLimit(state.changed.map(escapeLine), "; ", limits.changed)}`,
          ),
        ]
      : []),
    { type: "header", text: plain(clipText(text, limits.header)) },
    {
      type: "section",
      fields: facts.map((fact) => ({ type: "mrkdwn" as const, text: clipText(fact, limits.fact) })),
    },
    ...notes.map((note) => createSection(clipText(note, limits.note))),
    // Whole, as `parseRejectionReason` lets none pass that does not fit.
    ...(state.question?.status === "rejected" && state.question.reason
      ? [createSection(`*Why it was rejected:* ${escapeText(state.question.reason)}`)]
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
    ...(standing === undefined
      ? []
      : [
          {
            type: "context" as const,
            elements: [{ type: "mrkdwn" as const, text: clipText(standing, limits.contextText) }],
          },
        ]),
    ...(buttons.length > 0 ? [{ type: "actions" as const, block_id: "decision", elements: buttons }] : []),
  ];
  const room = limits.message - countText([above, below]);
  return { text, blocks: [...above, ...createCheckSections(state.checks, room), ...below] };
};

const countText = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.entries(value).reduce(
        (sum, [key, inner]) =>
          sum + (key === "text" && typeof inner === "string" ? inner.length : countText(inner)),
        0,
      )
    : 0;
