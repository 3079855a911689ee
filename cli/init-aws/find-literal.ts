export type TextRange = { readonly start: number; readonly end: number };

const openers = "{[(";
const closers = "}])";

/** The end of a string or template that begins at `start`. */
const skipQuoted = (text: string, start: number): number => {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
};

/** The next position that is neither white space nor a comment. */
const skipSpace = (text: string, start: number): number => {
  let at = start;
  for (;;) {
    if (/\s/.test(text[at] ?? "")) at++;
    else if (text.startsWith("//", at)) at = endOr(text.indexOf("\n", at), text);
    else if (text.startsWith("/*", at)) at = endOr(text.indexOf("*/", at) + 2, text);
    else return at;
  }
};

const endOr = (position: number, text: string): number => (position < 2 ? text.length : position);

/** The end of a value: before the comma or bracket that ends it. */
const skipValue = (text: string, start: number): number => {
  let depth = 0;
  let end = start;
  for (let at = start; at < text.length; ) {
    at = skipSpace(text, at);
    const character = text[at] ?? "";
    if (depth === 0 && (character === "," || closers.includes(character))) return end;
    if ("\"'`".includes(character)) at = skipQuoted(text, at);
    else {
      if (openers.includes(character)) depth++;
      if (closers.includes(character)) depth--;
      at++;
    }
    end = at;
  }
  return end;
};

/** The value of a key in the object literal that begins at `start`. */
const findEntry = (text: string, start: number, key: string): TextRange | undefined => {
  for (let at = skipSpace(text, start + 1); at < text.length && text[at] !== "}"; ) {
    const [, quoted, name = quoted] = /^(?:"([^"]+)"|([\w$]+))\s*:/.exec(text.slice(at, at + 200)) ?? [];
    const from = name === undefined ? at : skipSpace(text, text.indexOf(":", at) + 1);
    const end = skipValue(text, from);
    if (name === key) return { start: from, end };
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return undefined;
};

/**
 * The range of a value in TypeScript: `["tooling", "slack", "channel"]` is in `const tooling = { slack: { channel: … } }`.
 * Undefined where it is not written as literals on this path. It only reads, so comments and everything else stay as a
 * person wrote them.
 */
export const findLiteral = (
  text: string,
  [section = "", ...keys]: readonly string[],
): TextRange | undefined => {
  const declaration = new RegExp(`\\bconst ${section} = (?=\\{)`).exec(text);
  if (declaration === null) return undefined;
  let range: TextRange = { start: declaration.index + declaration[0].length, end: text.length };
  for (const key of keys) {
    if (text[range.start] !== "{") return undefined;
    const entry = findEntry(text, range.start, key);
    if (entry === undefined) return undefined;
    range = entry;
  }
  return range;
};
