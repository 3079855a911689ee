import type { CanaryOrderSays } from "#domain/message/derive-canary-replies.ts";
import type { Reply } from "#domain/message/derive-replies.ts";
import { explainRemedy } from "#statemachine/explain-remedy.ts";
import { formatBreakGlass, formatClosure } from "./format-closure.ts";
import { formatMention } from "./format-mention.ts";
import { formatTime } from "./format-time.ts";
import { clipText, escapeLine, showLiterally } from "./message-text.ts";

const limits = { text: 3_000, reason: 1_000 } as const;

const formatVersion = (version: number | null): string =>
  version === null ? "no version" : `version ${version}`;
const formatMentions = (users: readonly string[]): string => users.map(formatMention).join(" ");

const formatSays = ({ says, model, version }: Reply): string => {
  const subject = version === null ? model : `${model} v${version}`;
  switch (says.kind) {
    case "asked":
      return says.canaryPercent === null
        ? `:arrows_counterclockwise: Prod changed, and every check of ${subject} ran again: approve it once more?`
        : `:grey_question: The canary of ${subject} at ${says.canaryPercent} % is inconclusive: continue it?`;
    case "reminder":
      return `:alarm_clock: ${subject} still waits for a decision, until ${formatTime(says.expiresAt)}.`;
    case "decided": {
      const by = formatMentions(says.by.map(({ user }) => user));
      const reason = says.reason
        ? `: ${showLiterally(clipText(escapeLine(says.reason), limits.reason))}`
        : "";
      if (says.status === "rejected") return `:no_entry: Rejected by ${by}${reason}`;
      return says.canaryPercent === null
        ? `:white_check_mark: Approved by ${by}`
        : `:grey_question: The inconclusive canary at ${says.canaryPercent} % was accepted by ${by}`;
    }
    case "share":
      return `:rocket: ${subject} gets ${says.percent} % of prod's traffic`;
    case "held":
      return formatClosure(says);
    case "glass broken":
      return formatBreakGlass(says);
    case "order":
      return formatOrder(subject, says);
    case "rolled back":
      return `:rewind: Rolled back by ${showLiterally(clipText(escapeLine(says.by), limits.reason))}: prod went from ${formatVersion(says.from)} to ${formatVersion(says.to)}`;
    case "ended":
      break;
    default:
      return says satisfies never;
  }
  switch (says.outcome) {
    case "promoted":
      return `:tada: ${subject} serves prod`;
    case "rejected":
      return `:no_entry: ${subject} was rejected; prod is as it was`;
    case "expired":
      return `:hourglass: The approval of ${subject} expired without a decision; prod is as it was. Deliver the commit again to ask again.`;
    case "superseded":
      return `:leftwards_arrow_with_hook: ${subject} was superseded by a later commit`;
    case "unchanged":
      return `:heavy_equals_sign: Prod already serves this image and model of ${model}`;
    case "failed":
      return `:x: The delivery of ${subject} failed${
        says.error
          ? `: *${escapeLine(says.error.name)}* ${clipText(escapeLine(says.error.cause), limits.reason)}\n*What to do:* ${escapeLine(explainRemedy(says.error, model))}`
          : ""
      }`;
    default:
      return says.outcome satisfies never;
  }
};

const formatOrder = (subject: string, order: CanaryOrderSays): string => {
  const reason =
    order.reason === null ? "" : `: ${showLiterally(clipText(escapeLine(order.reason), limits.reason))}`;
  switch (order.order) {
    case "hold":
      return `:pause_button: ${formatMention(order.by)} holds the canary of ${subject}${order.until === null ? "" : ` until ${formatTime(order.until)}`}${reason}`;
    case "end-hold":
      return `:arrow_forward: ${formatMention(order.by)} ended the hold: the canary of ${subject} goes on as its rule says`;
    case "go":
      return `:arrow_forward: ${formatMention(order.by)} asks whether the canary of ${subject} goes on without a verdict`;
    case "abort":
      return `:octagonal_sign: ${formatMention(order.by)} aborted the canary of ${subject}${reason}`;
    default:
      return order.order satisfies never;
  }
};

/** A reply as Slack's text. `users`: who is mentioned. */
export const formatReply = (reply: Reply, users: readonly string[]): string =>
  clipText(
    `${formatSays(reply)}${users.length === 0 ? "" : `\n${formatMentions(users.slice(0, 20))}`}`,
    limits.text,
  );
