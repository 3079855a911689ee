import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";

/** The limit of Slack's input, in UTF-16 units. */
export const maxReasonLength = 2_000;
/** The message's limit, with &, < and > escaped and lines marked: a reason is always shown in full. */
const maxEscapedLength = 2_900;

/**
 * A letter, digit, sign or symbol is visible; a mark alone is not. Invisible are Unicode's default ignorable characters
 * (zero-width and format characters, Hangul fillers, tags, selectors;
 * https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point) and a few blank symbols: the Braille blank, the null
 * notehead, the object replacement character, the full and half blank of Egyptian hieroglyphs.
 */
const visibleCharacter = /[\p{L}\p{N}\p{P}\p{S}]/u;
const invisibleCharacters = /[\p{Default_Ignorable_Code_Point}\u{2800}\u{1D159}\u{FFFC}\u{13441}\u{13442}]/gu;

/** Slack's escaped length (https://docs.slack.dev/messaging/formatting-message-text#escaping), with its lines marked. */
const escapedLength = (text: string) =>
  prefixContinuationLines(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .length;

/** The reason that an approver typed; or the problem with it, as a sentence for the approver. */
export const parseRejectionReason = (
  typed: string,
): { readonly reason: string } | { readonly problem: string } => {
  const reason = typed.toWellFormed().trim();
  if (!visibleCharacter.test(reason.replace(invisibleCharacters, "")))
    return { problem: "Enter a reason: the data scientist will read it." };
  if (reason.length > maxReasonLength || escapedLength(reason) > maxEscapedLength)
    return {
      problem: `The reason is too long: ${reason.length} characters (limit ${maxReasonLength}; fewer with &, <, > and line breaks). Shorten it.`,
    };
  return { reason };
};
