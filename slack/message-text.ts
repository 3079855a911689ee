import { escapeControls } from "#untrusted/escape-controls.ts";
import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";

/**
 * Escapes Slack's control characters (https://docs.slack.dev/messaging/formatting-message-text#escaping) and marks of
 * direction: with one of these in a name or a path, approvers would see another text than they approve. Keeps line breaks.
 */
export const escapeText = (text: string) =>
  text
    .split("\n")
    .map(escapeControls)
    .join("\n")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
/** Never cuts through an escaped character or a surrogate pair. */
export const clipText = (text: string, limit: number) =>
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
export const joinWithinLimit = (parts: readonly string[], separator: string, limit: number): string => {
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
export const escapeLine = (text: string) => escapeText(escapeControls(text));

/** Text from outside whose line breaks matter: every line after the first is marked as a continuation. */
export const escapeLines = (text: string) => escapeText(prefixContinuationLines(text));

/** Characters and names that Slack would read as markup at the edge of a word: `*bold*`, `_italic_`, `:x:`. */
const markup = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:[\w+-]+:/u;

/**
 * Escaped text from outside, on one line within other text, as it was typed: mrkdwn has no escape for its marks, but reads
 * none in code. A block of plain text is better where there is one. Clip before, never after.
 */
export const showLiterally = (escaped: string): string =>
  markup.test(escaped) ? `\`${escaped.replaceAll("`", "'")}\`` : escaped;
