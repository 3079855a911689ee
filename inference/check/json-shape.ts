const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);

/** What JSON text holds, without reading it. */
export type JsonShape = {
  /** Commas and openings that stand in no string: at least half the number of values and keys. */
  readonly marks: number;
  /** Lists and objects within one another at most. */
  readonly depth: number;
};

/** One pass over the bytes that takes no memory, whatever they are. @param json UTF-8 */
export const jsonShape = (json: Uint8Array): JsonShape => {
  let marks = 0;
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === comma) marks++;
    else if (openings.has(byte)) {
      marks++;
      deepest = Math.max(deepest, ++depth);
    } else if (closings.has(byte)) depth--;
  }
  return { marks, depth: deepest };
};
