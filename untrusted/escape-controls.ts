/** What ends a line, moves a cursor or turns text around: controls, line and paragraph separators, bidirectional marks. */
const unsafeCharacters = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** One character as JSON would write it, so that a line of JSON stays the same JSON. */
export const escapeCharacter = (character: string): string =>
  shortEscapes.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Text from outside as part of one line: nothing in it begins another line, hides or colours anything. */
export const escapeControls = (text: string): string => text.replace(unsafeCharacters, escapeCharacter);
