import type { ContextBlock, KnownBlock, SectionBlock } from "@slack/web-api";
import type { EarlierRejection } from "#domain/approval/earlier-rejection.ts";
import { formatAuditPlace } from "#domain/audit/audit-entry.ts";
import { describeInconclusiveCanary } from "#domain/canary/explain-inconclusive.ts";
import type { Check, Omission } from "#domain/gates/verdict.ts";
import { formatHeadline } from "#domain/message/format-headline.ts";
import { formatRejection } from "#domain/message/format-rejection.ts";
import { formatRollout } from "#domain/message/format-rollout.ts";
import { formatVerdict } from "#domain/message/format-verdict.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import type { SourceLink } from "#platform/source/source.ts";
import { explainRemedy } from "#statemachine/explain-remedy.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";
import { createCanaryButtons } from "./canary-buttons.ts";
import { createComparisonTable, formatComparisonLines } from "./comparison-table.ts";
import { createDecisionButtons } from "./decision-buttons.ts";
import { formatBreakGlass, formatClosure, formatWaitingGlass } from "./format-closure.ts";
import { formatMention } from "./format-mention.ts";
import { formatApproval, formatQuestion, formatUnmapped } from "./format-question.ts";
import type { MessageForm } from "./message-forms.ts";
import {
  clipText,
  escapeLine,
  escapeLines,
  escapeText,
  joinWithinLimit,
  showLiterally,
} from "./message-text.ts";
import { plainText } from "./plain-text.ts";

/** https://docs.slack.dev/reference/block-kit/blocks */
const limits = {
  header: 150,
  section: 3_000,
  contextText: 1_000,
  changed: 1_000,
  /** In the notification: long rules leave room for the kinds of files that changed. */
  changedLine: 120,
  renewed: 300,
  fact: 300,
  subject: 200,
  url: 1_000,
  command: 300,
  omitted: 1_000,
  decisions: 600,
  cause: 1_500,
  progress: 300,
  note: 600,
  notification: 1_000,
  warning: 300,
  /** All text of a message. Slack documents no limit: it accepted 9,597 characters and refused 11,341. */
  message: 9_500,
} as const;

/** Verbatim: Slack would make links of addresses and channels in text from outside. */
const createMarkup = (text: string) => ({ type: "mrkdwn" as const, verbatim: true, text });

/** Slack folds long sections, unless they say that they are always shown. */
const createSection = (text: string): SectionBlock => ({
  type: "section",
  expand: true,
  text: createMarkup(clipText(text, limits.section)),
});
const createContext = (text: string): ContextBlock => ({
  type: "context",
  elements: [createMarkup(clipText(text, limits.contextText))],
});

const verdictEmoji = { pass: ":white_check_mark:", fail: ":x:", inconclusive: ":grey_question:" } as const;

/** The detail contains the measured value and the limit, so they are not repeated. */
const formatCheck = (
  { name, verdict, detail }: Check,
  maxLength: { readonly name: number; readonly detail: number },
): string =>
  `${verdictEmoji[verdict]} *${clipText(escapeLine(name), maxLength.name)}* — ${clipText(escapeLine(detail), maxLength.detail)}`;

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

/** The first lines, as many as fit: the delivery's page has all. */
const keepWithin = (lines: readonly string[], available: number): readonly string[] => {
  const end = lines.findIndex(
    (_, index) => lines.slice(0, index + 1).join("\n").length + moreChecksLine.length + 2 > available,
  );
  return end === -1 ? lines : lines.slice(0, end);
};

const moreChecksLine = "More checks are on the delivery's page.";
const order = ["fail", "inconclusive", "pass"];

/**
 * The checks that did not pass; without a table all of them. Shortens the details until every check fits into `available`
 * characters, and only then leaves checks out.
 */
const createCheckSections = (checks: readonly Check[], available: number): KnownBlock[] => {
  const length = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length + 1, 0);
  const sorted = checks.toSorted((left, right) => order.indexOf(left.verdict) - order.indexOf(right.verdict));
  for (const maxLength of [
    { name: 100, detail: 1_000 },
    { name: 100, detail: 200 },
    { name: 60, detail: 60 },
  ]) {
    const lines = sorted.map((check) => formatCheck(check, maxLength));
    if (length(lines) <= available) return createSections(lines);
  }
  const lines = sorted.map((check) => formatCheck(check, { name: 60, detail: 60 }));
  const shown = lines.filter(
    (_, index) => length([...lines.slice(0, index + 1), moreChecksLine]) <= available,
  );
  return createSections([...shown, moreChecksLine]);
};

/** Without a final period: it is one of a list. */
const formatOmission = ({ name, why, remedy }: Omission): string =>
  `*${escapeLine(name)}*: ${[why, ...(remedy === undefined ? [] : [remedy])].map((each) => escapeLine(each).replace(/\.$/, "")).join(". ")}`;

/** Visible ASCII without the characters at which Slack ends a link. */
const isLinkable = (url: string): boolean =>
  url.length <= limits.url && /^https?:\/\/[\x21-\x7e]+$/.test(url) && !/[|<>]/.test(url);

const formatLink = (link: SourceLink, label: string): string => {
  if (link.kind === "page")
    return isLinkable(link.url) ? `<${link.url.replaceAll("&", "&amp;")}|${label}>` : label;
  return `${label}: \`${clipText(escapeLine(link.line.replaceAll("`", "'")), limits.command)}\``;
};

/** Text from outside in a section of its own, in which Slack reads neither markup nor mentions nor emoji. */
const createPlainSection = (text: string): readonly SectionBlock[] =>
  text.trim() === ""
    ? []
    : [
        {
          type: "section",
          expand: true,
          text: { ...plainText(clipText(text, limits.section)), emoji: false },
        },
      ];

/** What is delivered: who made it, and where to read it. */
const formatCommit = ({ commit, author, links }: MessageState): string => {
  const id = `\`${commit.slice(0, 12)}\``;
  const named = author
    ? `, author (unverified): ${showLiterally(clipText(escapeLine(author), limits.fact))}`
    : "";
  const pages = links
    ? [
        ...(links.commit.kind === "page" ? [formatLink(links.commit, "commit")] : []),
        ...(links.diff ? [formatLink(links.diff, "difference to prod")] : []),
      ]
    : [];
  return `Commit ${id}${named}${pages.length === 0 ? "" : ` · ${pages.join(" · ")}`}`;
};

/**
 * For notifications and screen readers, which show no blocks: the question, what warns of an approval, until when, and what
 * the table and the checks say. Without Slack's own form of a time, which a notification shows as it is.
 */
const formatNotification = (state: MessageState): string => {
  const headline = escapeText(formatHeadline(state));
  if (state.question?.status !== "open") return headline;
  const verdict = formatVerdict(state);
  const rows = state.comparisons
    .filter(({ challenger }) => challenger !== null)
    .map(
      ({ name, unit, champion, challenger }) =>
        `${name} ${challenger}${unit && ` ${unit}`}${champion === null ? "" : ` (prod ${champion}${unit && ` ${unit}`})`}`,
    );
  const problems = state.checks
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ name, verdict }) => `${name} ${verdict === "fail" ? "failed" : "inconclusive"}`);
  const { stale, expiresAt } = state.question;
  const unmapped = state.unmapped.length;
  const warnings = [
    ...(state.changed.length === 0
      ? []
      : [
          `this commit changes its own rules: ${joinWithinLimit(
            state.changed.map((line) => clipText(line, limits.changedLine)),
            "; ",
            limits.warning,
          )}`,
        ]),
    ...(state.rejectedBefore
      ? [clipText(formatRejection(state.rejectedBefore).replace(/^R/, "r"), limits.warning)]
      : []),
    ...(stale === null ? [] : [`prod changed: it now serves ${stale}`]),
    ...(unmapped === 0 ? [] : [`${unmapped} contributor${unmapped === 1 ? "" : "s"} not mapped to a person`]),
  ];
  const parts = [
    ...warnings,
    `expires ${new Date(expiresAt).toISOString().slice(0, 16).replace("T", " ")} UTC`,
    verdict,
    ...problems,
    ...rows,
  ]
    .filter((part) => part !== "")
    .map(escapeLine);
  return clipText(
    `${headline} ${joinWithinLimit(parts, "; ", limits.notification - 200)}`,
    limits.notification,
  );
};

const formatRejectedBefore = (rejection: EarlierRejection): string => {
  const text = formatRejection(rejection, {
    person: ({ user }) => formatMention(user),
    reason: (reason) => showLiterally(escapeLine(reason)),
  });
  return `:warning: ${text.replace(/^Rejected before/, "*Rejected before*")}`;
};

const formatInconclusive = (percent: number, { checks }: MessageState): string => {
  const { what, why } = describeInconclusiveCanary(percent, checks);
  return `*${what}:* ${why}`;
};

const listNotes = (state: MessageState): readonly string[] => {
  const open = state.question?.status === "open" ? state.question : undefined;
  return [
    ...(state.rejectedBefore ? [formatRejectedBefore(state.rejectedBefore)] : []),
    ...(state.trial ? [":test_tube: *Trial:* stage and prod share an account."] : []),
    ...(state.rolledBack ? [`:rewind: *Rolled back by* ${escapeLine(state.rolledBack.by)}`] : []),
    ...(state.held ? [formatClosure(state.held)] : []),
    ...(state.held?.waiting ? [formatWaitingGlass(state.held.waiting)] : []),
    ...(state.breakGlass ? [formatBreakGlass(state.breakGlass)] : []),
    ...(state.askedAgain === null
      ? []
      : [`:arrows_counterclockwise: *Approval requested again.* ${escapeLine(state.askedAgain)}`]),
    ...(open && open.canaryPercent !== null
      ? [
          `:grey_question: ${formatInconclusive(open.canaryPercent, state)}. If you approve, it goes on without proof. If you reject, or nobody decides, prod keeps its champion.`,
        ]
      : []),
    ...(open?.stale
      ? [
          `:warning: *Prod changed:* it now serves ${escapeLine(open.stale)}. If you approve, every check runs again and a new approval follows.`,
        ]
      : []),
  ];
};

/** What is certain about the artefact: contributors, image, what it was compared with, how it was built. */
const listFacts = (state: MessageState): readonly string[] => [
  ...(state.madeBy === null
    ? []
    : [
        `*Contributors:* ${state.madeBy.length === 0 ? "none known" : joinWithinLimit(state.madeBy.map(escapeLine), ", ", limits.fact - 20)}`,
      ]),
  ...(state.version === null
    ? []
    : [
        `*Compared with:* ${state.baseline === null ? "no champion yet" : clipText(escapeLine(state.baseline), limits.fact)}`,
      ]),
  ...(state.digest === null
    ? []
    : [
        `*Image:* \`${state.digest.slice(0, 19)}…\`${
          state.provenance
            ? `, signature verified: built from commit \`${escapeLine(state.provenance.commit.slice(0, 12))}\` by \`${clipText(escapeLine(state.provenance.buildId), 100)}\` with builder \`${escapeLine(state.provenance.builder.slice(0, 19))}…\``
            : ""
        }`,
      ]),
  ...(state.audit ? [`*Audit:* ${formatAuditPlace(state.audit)}`] : []),
];

/**
 * The one message of a delivery: blocks, and a text for notifications and screen readers. An approver reads from the top:
 * the question, the verdict, what is loosened, both versions side by side, what did not pass, what an approval starts.
 * @param link URL of the delivery's page, if there is one
 * @param form a simpler one where Slack refuses the complete message
 */
export const renderMessageBlocks = (
  state: MessageState,
  link: string | undefined,
  form: MessageForm = "complete",
): { text: string; blocks: KnownBlock[] } => {
  if (form === "essential") return { text: formatNotification(state), blocks: renderEssential(state, link) };
  const headline = formatHeadline(state);
  const verdict = formatVerdict(state);
  const table = form === "complete" ? createComparisonTable(state) : undefined;
  const open = state.question?.status === "open" ? state.question : undefined;
  const questionText = formatQuestion(state.question);
  const decisionTexts = [
    joinWithinLimit(state.decisions.map(formatApproval), "; ", limits.decisions),
    questionText ?? "",
  ].filter((decision) => decision !== "");
  const above: KnownBlock[] = [
    { type: "header", text: plainText(clipText(headline, limits.header)) },
    ...(verdict === "" ? [] : [createSection(verdict)]),
    ...(state.changed.length > 0
      ? [
          createSection(
            `:warning: *This commit changes its own rules:* ${showLiterally(joinWithinLimit(state.changed.map(escapeLine), "; ", limits.changed))}`,
          ),
        ]
      : []),
    ...listNotes(state).map((note) => createSection(clipText(note, limits.note))),
    // Never cut: `parseRejectionReason` refuses a reason that does not fit.
    ...(state.question?.status === "rejected" && state.question.reason
      ? [
          createSection("*Reason for the rejection:*"),
          ...createPlainSection(prefixContinuationLines(state.question.reason)),
        ]
      : []),
    ...(table ? [table] : []),
  ];
  const below: KnownBlock[] = [
    ...(state.omitted.length > 0
      ? [
          createContext(
            `_Not checked:_ ${joinWithinLimit(state.omitted.map(formatOmission), "; ", limits.omitted - 20)}`,
          ),
        ]
      : []),
    ...(state.unmapped.length > 0 ? [createSection(formatUnmapped(state))] : []),
    ...(state.error
      ? [
          createSection(
            `:x: *${clipText(escapeLine(state.error.name), 100)}* ${clipText(escapeLines(state.error.cause), limits.cause)}`,
          ),
          createSection(`*What to do:* ${escapeText(explainRemedy(state.error, state.model))}`),
        ]
      : []),
    // The commit's own words.
    ...createPlainSection(clipText(escapeControls(state.subject ?? ""), limits.subject)),
    createSection(formatCommit(state)),
    ...(state.renewed.length > 0
      ? [
          createContext(
            `New with this commit: ${joinWithinLimit(state.renewed.map(escapeLine), "; ", limits.renewed)}`,
          ),
        ]
      : []),
    ...listFacts(state).map(createContext),
    ...(state.progress === null
      ? []
      : [createSection(`:rocket: ${clipText(escapeLine(state.progress), limits.progress)}`)]),
    ...(open && open.canaryPercent === null && state.rollout !== undefined
      ? [createSection(formatRollout(state.rollout))]
      : []),
    ...decisionTexts.map(createContext),
    ...createDecisionButtons(state, link),
    ...createCanaryButtons(state),
  ];
  const shown = table ? state.checks.filter(({ verdict }) => verdict !== "pass") : state.checks;
  const free = limits.message - countText([above, below]);
  const lines = form === "complete" ? [] : keepWithin(formatComparisonLines(state), free);
  const compared = createSections(lines);
  const available = free - countText(compared);
  return {
    text: formatNotification(state),
    blocks: [...above, ...compared, ...createCheckSections(shown, available), ...below],
  };
};

/**
 * What Slack takes where it refuses everything else. It does not show what an approval is about, so it has no button for
 * one: the command line shows every check before it asks.
 */
const renderEssential = (state: MessageState, link: string | undefined): KnownBlock[] => {
  const open = state.question?.status === "open" ? state.question : undefined;
  const verdict = formatVerdict(state);
  const refused = open
    ? `:warning: *Slack refused the rest of this message, so nobody can approve here.* \`slipway approve ${escapeText(open.approval)}\` shows every check before it asks; the delivery's page shows them, too.`
    : ":warning: Slack refused the rest of this message: the delivery's page shows it.";
  const questionText = formatQuestion(state.question);
  return [
    { type: "header", text: plainText(clipText(formatHeadline(state), limits.header)) },
    createSection(verdict === "" ? refused : `${verdict}\n${refused}`),
    ...(questionText === undefined ? [] : [createContext(questionText)]),
    ...createDecisionButtons(state, link).map((block) => ({
      ...block,
      elements: block.elements.filter((element) => element.action_id !== "approve"),
    })),
    ...createCanaryButtons(state),
  ];
};

const countText = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.entries(value).reduce(
        (sum, [key, inner]) =>
          sum + (key === "text" && typeof inner === "string" ? inner.length : countText(inner)),
        0,
      )
    : 0;
