const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const bracket = 0x5b;
const brace = 0x7b;

/** What JSON text holds, without reading it: colons, and commas and openings, that stand in no string. */
export type JsonCount = {
  readonly keys: number;
  /** At least the number of values; at most twice that. */
  readonly marks: number;
};

/** Counts in one pass that takes no memory, whatever the bytes are. @param json UTF-8 */
export const countJson = (json: Uint8Array): JsonCount => {
  let keys = 0;
  let marks = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === colon) keys++;
    else if (byte === comma || byte === bracket || byte === brace) marks++;
  }
  return { keys, marks };
};
