/** What Slack's input takes; it counts UTF-16 units, as its clients do. */
export const maxReasonLength = 2_000;
/** What the message has room for, with &, < and > escaped as Slack counts them: a reason is shown whole. */
const maxEscapedLength = 2_900;

/**
 * A character that a reader sees: a letter, digit, sign or symbol of its own. Marks alone combine with nothing; what
 * Unicode calls default ignorable has no ink (zero-width and format characters, Hangul fillers, tags, selectors;
 * https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point); and a few symbols and letters are blank by design:
 * Braille's blank, music's null notehead, the object replacement, the full and half blank of Egyptian hieroglyphs.
 */
const visibleCharacter = /[\p{L}\p{N}\p{P}\p{S}]/u;
const invisibleCharacters = /[\p{Default_Ignorable_Code_Point}\u{2800}\u{1D159}\u{FFFC}\u{13441}\u{13442}]/gu;

/** Slack's escaped length: https://docs.slack.dev/messaging/formatting-message-text#escaping */
const escapedLength = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").length;

/** Why something was rejected, as a person typed it; or what is wrong with it, in a sentence for that person. */
export const parseRejectionReason = (
  typed: string,
): { readonly reason: string } | { readonly problem: string } => {
  const reason = typed.toWellFormed().trim();
  if (!visibleCharacter.test(reason.replace(invisibleCharacters, "")))
    return { problem: "Please say why, in words that can be read: the data scientist reads it." };
  if (reason.length > maxReasonLength || escapedLength(reason) > maxEscapedLength)
    return {
      problem: `The reason is too long to be shown whole: it has ${reason.length} characters, at most ${maxReasonLength} fit (fewer with &, < and >).`,
    };
  return { reason };
};
