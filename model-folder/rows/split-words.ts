/** A word of a text and its place, in UTF-16 code units. */
export type Word = { readonly text: string; readonly start: number; readonly end: number };

// The white space at which Python's str.split() splits; JavaScript's \s has other characters (U+FEFF, but not U+0085).
const word =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Python's white space has control characters
  /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Splits a text at white space, as Python's str.split() does. */
export const splitWords = (text: string): Word[] =>
  [...text.matchAll(word)].map(({ 0: match, index }) => ({
    text: match,
    start: index,
    end: index + match.length,
  }));
