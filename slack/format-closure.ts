import type { BreakGlass } from "#domain/approval/break-glass.ts";
import { formatMention } from "./format-mention.ts";
import { formatTime } from "./format-time.ts";
import { clipText, escapeLine, joinWithinLimit, showLiterally } from "./message-text.ts";

const limits = { why: 300, reason: 400, waiting: 300 } as const;

/** Until when prod is closed, and why. */
export const formatClosure = ({
  until,
  why,
}: {
  readonly until: number | null;
  readonly why: string;
}): string =>
  `:snowflake: *Prod is closed${until === null ? "" : ` until ${formatTime(until)}`}:* ${showLiterally(clipText(escapeLine(why), limits.why))}`;

/** Who broke the glass before Slack said whether they may. */
export const formatWaitingGlass = (users: readonly string[]): string =>
  `:hourglass_flowing_sand: ${joinWithinLimit(users.map(formatMention), ", ", limits.waiting)} broke the glass: it counts once Slack confirms their e-mail address or user group.`;

/** Who let the delivery change prod nevertheless, and why. */
export const formatBreakGlass = ({ user, reason }: Pick<BreakGlass, "user" | "reason">): string =>
  `:rotating_light: *Prod was closed; ${formatMention(user)} let this delivery change it:* ${showLiterally(clipText(escapeLine(reason), limits.reason))}`;
