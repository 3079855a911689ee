const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openingBracket = 0x5b;
const openingBrace = 0x7b;
const closingBracket = 0x5d;
const closingBrace = 0x7d;

/** What JSON text holds, without reading it: colons, and commas and openings, that stand in no string. */
type JsonTokenCounts = {
  readonly keys: number;
  /** At least the number of values; at most twice that. */
  readonly marks: number;
  /** Lists and objects: no fewer than the rows. */
  readonly openings: number;
  /** Lists and objects within one another at most. */
  readonly depth: number;
};

/** Counts in one pass that takes no memory, whatever the bytes are. @param json UTF-8 */
export const countJsonTokens = (json: Uint8Array): JsonTokenCounts => {
  let keys = 0;
  let marks = 0;
  let openings = 0;
  let open = 0;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === colon) keys++;
    else if (byte === comma) marks++;
    else if (byte === openingBracket || byte === openingBrace) {
      marks++;
      openings++;
      if (++open > depth) depth = open;
    } else if (byte === closingBracket || byte === closingBrace) open--;
  }
  return { keys, marks, openings, depth };
};
