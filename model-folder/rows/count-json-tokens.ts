const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openingBracket = 0x5b;
const openingBrace = 0x7b;
const closingBracket = 0x5d;
const closingBrace = 0x7d;

/** Counts of JSON's structural characters outside strings. */
type JsonTokenCounts = {
  readonly keys: number;
  /** Commas and opening brackets: between one and two per value. */
  readonly marks: number;
  /** Lists and objects: at least one per row. */
  readonly openings: number;
  /** The deepest nesting of lists and objects. */
  readonly depth: number;
};

/** 1 for the bytes that count outside strings: most bytes do not, and one look tells. */
const counts = new Uint8Array(256);
for (const byte of [quote, comma, colon, openingBracket, openingBrace, closingBracket, closingBrace])
  counts[byte] = 1;

/** Counts in one pass and without memory, even if the bytes are not valid JSON. @param json UTF-8 */
export const countJsonTokens = (json: Uint8Array): JsonTokenCounts => {
  let keys = 0;
  let marks = 0;
  let openings = 0;
  let open = 0;
  let depth = 0;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index] ?? 0;
    if (counts[byte] === 0) continue;
    if (byte === quote) {
      for (index++; index < json.length; index++) {
        const inner = json[index];
        if (inner === quote) break;
        if (inner === backslash) index++;
      }
    } else if (byte === colon) keys++;
    else if (byte === comma) marks++;
    else if (byte === openingBracket || byte === openingBrace) {
      marks++;
      openings++;
      if (++open > depth) depth = open;
    } else open--;
  }
  return { keys, marks, openings, depth };
};
