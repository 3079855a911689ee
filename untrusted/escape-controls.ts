/** Characters that end a line, move the cursor or reverse text: controls, line and paragraph separators, bidirectional marks. */
const unsafeCharacters = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** Escapes one character as JSON does, so that a line of JSON stays the same JSON. */
export const escapeCharacter = (character: string): string =>
  shortEscapes.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Makes text from outside safe inside one line: it cannot start a new line, hide text or set a colour. */
export const escapeControls = (text: string): string => text.replace(unsafeCharacters, escapeCharacter);
