import type { KnownBlock, SectionBlock } from "@slack/web-api";
import type { Check } from "../statemachine/contracts.ts";
import { remedyOf } from "../statemachine/remedy-of.ts";
import type { MessageView } from "./messages.ts";

/** Slack's limits on what we use: https://docs.slack.dev/reference/block-kit/blocks */
const limits = {
  header: 150,
  section: 3_000,
  fieldsPerSection: 10,
  contextText: 1_000,
  changed: 1_000,
  fact: 300,
  omitted: 1_500,
  cause: 1_500,
  progress: 300,
  /** All text of a message: Slack does not say where it ends, 9,597 characters passed and 11,341 did not. */
  message: 9_500,
} as const;

/** Slack's control characters: https://docs.slack.dev/messaging/formatting-message-text#escaping */
const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
/** At most `limit` characters; an escaped one is not cut in two. */
const clipped = (text: string, limit: number) =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/&[a-z]{0,3}$/, "")}…`;
const section = (text: string): SectionBlock => ({
  type: "section",
  text: { type: "mrkdwn", text: clipped(text, limits.section) },
});

const marks = { pass: ":white_check_mark:", fail: ":x:", inconclusive: ":grey_question:" } as const;

const headline = ({ model, version, outcome, question, progress }: MessageView): string => {
  const what = version === null ? model : `${model} version ${version}`;
  switch (outcome) {
    case "promoted":
      return `${what} serves prod`;
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
const checkLine = (
  { name, verdict, detail }: Check,
  longest: { readonly name: number; readonly detail: number },
): string =>
  `${marks[verdict]} *${clipped(escaped(name), longest.name)}* — ${clipped(escaped(detail), longest.detail)}`;

/** Lines in as few sections as Slack's limit on their length allows; a line is never cut in two. */
const sections = (lines: readonly string[]): KnownBlock[] => {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length + 1 <= limits.section)
      texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts.map(section);
};

const more = "More checks are on the delivery's page.";

/** Every check in `room` characters: what is too long is told more shortly, and left out only in the end. */
const checkSections = (checks: readonly Check[], room: number): KnownBlock[] => {
  const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length + 1, 0);
  for (const longest of [
    { name: 100, detail: 1_000 },
    { name: 100, detail: 200 },
    { name: 60, detail: 60 },
  ]) {
    const lines = checks.map((check) => checkLine(check, longest));
    if (length(lines) <= room) return sections(lines);
  }
  // What did not pass is what the reader came for.
  const order = ["fail", "inconclusive", "pass"];
  const lines = checks
    .toSorted((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict))
    .map((check) => checkLine(check, { name: 60, detail: 60 }));
  const shown = lines.filter((_, index) => length([...lines.slice(0, index + 1), more]) <= room);
  return sections([...shown, more]);
};

const people = (by: readonly { readonly user: string }[]) => by.map(({ user }) => `<@${user}>`).join(", ");

const questionLine = (question: MessageView["question"]): string | undefined => {
  switch (question?.status) {
    case undefined:
      return undefined;
    case "open": {
      const votes = question.quorum > 1 ? ` ${question.votes} of ${question.quorum} approvals.` : "";
      return `Who may answer: ${question.approvers.map((user) => `<@${user}>`).join(", ")}.${votes} Until <!date^${Math.floor(question.expiresAt / 1000)}^{date_short_pretty} {time}|${new Date(question.expiresAt).toUTCString()}>.`;
    }
    case "approved":
      return `:white_check_mark: Approved by ${people(question.by)}`;
    case "rejected":
      return `:no_entry: Rejected by ${people(question.by)}${question.reason ? `: ${escaped(question.reason)}` : ""}`;
    case "expired":
      return ":hourglass: The question expired without an answer";
    case "withdrawn":
      return `:leftwards_arrow_with_hook: The question was withdrawn: ${escaped(question.why)}`;
    default:
      return question satisfies never;
  }
};

/**
 * The one message of a delivery, as Slack blocks and as a line for notifications.
 * @param link address of the delivery's page; undefined where there is none
 */
export const messageBlocks = (
  view: MessageView,
  link: string | undefined,
): { text: string; blocks: KnownBlock[] } => {
  const text = headline(view);
  const facts = [
    `*Commit*\n\`${view.commit.slice(0, 12)}\`${view.author ? ` by ${escaped(view.author)}` : ""}`,
    ...(view.version === null ? [] : [`*Registry version*\n${view.version}`]),
    ...(view.digest === null ? [] : [`*Image*\n\`${view.digest.slice(0, 19)}…\``]),
    ...(view.version === null
      ? []
      : [`*Prod serves now*\n${view.baseline === null ? "nothing yet" : escaped(view.baseline)}`]),
  ];
  const builtBy =
    view.provenance &&
    `:lock: Signature verified: built from commit \`${escaped(view.provenance.commit.slice(0, 12))}\` by \`${escaped(view.provenance.buildId)}\` with builder \`${escaped(view.provenance.builder.slice(0, 19))}…\``;
  const standing = questionLine(view.question);
  const open = view.question?.status === "open" ? view.question : undefined;
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
  const above: KnownBlock[] = [
    ...(view.changed.length > 0
      ? [
          section(
            `:warning: *This commit changes its own rules or yardsticks:* ${clipped(escaped(view.changed.join("; ")), limits.changed)}`,
          ),
        ]
      : []),
    { type: "header", text: plain(clipped(text, limits.header)) },
    {
      type: "section",
      fields: facts.map((fact) => ({ type: "mrkdwn" as const, text: clipped(fact, limits.fact) })),
    },
  ];
  const below: KnownBlock[] = [
    ...(builtBy === null
      ? []
      : [
          {
            type: "context" as const,
            elements: [{ type: "mrkdwn" as const, text: clipped(builtBy, limits.fact) }],
          },
        ]),
    ...(view.omitted.length > 0
      ? [
          section(
            clipped(
              `_Not measured:_ ${view.omitted.map(({ name, why }) => `${escaped(name)} (${escaped(why)})`).join("; ")}`,
              limits.omitted,
            ),
          ),
        ]
      : []),
    ...(view.error
      ? [
          section(
            `:x: *${clipped(escaped(view.error.name), 100)}* ${clipped(escaped(view.error.cause), limits.cause)}`,
          ),
          section(`*What to do:* ${escaped(remedyOf(view.error.name))}`),
        ]
      : []),
    ...(view.progress === null
      ? []
      : [section(`:rocket: ${clipped(escaped(view.progress), limits.progress)}`)]),
    ...(standing === undefined
      ? []
      : [
          {
            type: "context" as const,
            elements: [{ type: "mrkdwn" as const, text: clipped(standing, limits.contextText) }],
          },
        ]),
    ...(buttons.length > 0 ? [{ type: "actions" as const, block_id: "decision", elements: buttons }] : []),
  ];
  const room = limits.message - textLength([above, below]);
  return { text, blocks: [...above, ...checkSections(view.checks, room), ...below] };
};

const textLength = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.entries(value).reduce(
        (sum, [key, inner]) =>
          sum + (key === "text" && typeof inner === "string" ? inner.length : textLength(inner)),
        0,
      )
    : 0;
