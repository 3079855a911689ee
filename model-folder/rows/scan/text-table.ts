const quote = 0x22;
const backslash = 0x5c;

/** Texts by their bytes in JSON. */
export type TextTable = {
  /**
   * The index of the JSON string that starts at `start`, behind its opening quote; -1 for a text that is not in the table,
   * or is written with an escape. Each byte of it is one of the text's: a text that is found is valid JSON and UTF-8.
   */
  find(json: DataView, start: number): number;
  /** Whether the string that starts at `start` is text `index`, which `find` can find. */
  matches(json: DataView, start: number, index: number): boolean;
  /** The bytes of each text in JSON, with its closing quote. */
  readonly lengths: Int32Array;
  /** Whether `find` can find each text. */
  readonly isComplete: boolean;
};

/** Of more texts the one with an equal hash is compared, instead of each. */
const maxCompared = 8;

const canStandUnescaped = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 0x20 && byte !== quote && byte !== backslash);

/** FNV-1a. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** The mask of the bytes that a text of this length has in its last word of four bytes. */
const toLastMask = (length: number): number => (length % 4 === 0 ? -1 : (1 << (8 * (length % 4))) - 1);

/**
 * Makes a table that finds texts four bytes at a time. A text that JSON must escape is never found, so that its rows are
 * read another way.
 * @param texts each once, well-formed
 */
export const createTextTable = (texts: readonly string[]): TextTable => {
  const encoded = texts.map((text) => Buffer.from(`${text}"`));
  const lengths = Int32Array.from(encoded, ({ length }) => length);
  const longest = Math.max(0, ...lengths);
  const isKnown = encoded.map(
    (bytes, index) => texts[index]?.isWellFormed() === true && canStandUnescaped(bytes.subarray(0, -1)),
  );
  const isComplete = isKnown.every(Boolean);
  /** The first word of each text is words[starts[index]]; what follows the text in its last word is 0. */
  const starts = new Int32Array(texts.length);
  const words = new Int32Array(encoded.reduce((sum, { length }) => sum + Math.ceil(length / 4), 0));
  const lastMasks = lengths.map(toLastMask);
  let filled = 0;
  for (const [index, bytes] of encoded.entries()) {
    starts[index] = filled;
    const padded = Buffer.alloc(4 * Math.ceil(bytes.length / 4));
    bytes.copy(padded);
    for (let at = 0; at < padded.length; at += 4) words[filled++] = padded.readInt32LE(at);
  }

  const matches: TextTable["matches"] = (json, start, index) => {
    const length = lengths[index] ?? 0;
    let word = starts[index] ?? 0;
    let at = start;
    const last = start + length - ((length - 1) & 3) - 1;
    // Behind every string of a valid body come at least three other bytes.
    if (last + 4 > json.byteLength) return false;
    for (; at < last; at += 4) if (json.getInt32(at, true) !== words[word++]) return false;
    return (json.getInt32(last, true) & (lastMasks[index] ?? 0)) === words[word];
  };

  const findByComparing: TextTable["find"] = (json, start) => {
    for (let index = 0; index < lengths.length; index++) if (matches(json, start, index)) return index;
    return -1;
  };
  if (texts.length <= maxCompared && isComplete)
    return { lengths, isComplete, matches, find: findByComparing };

  // At most a quarter of the slots is used, so that a search meets an empty one soon.
  const mask = 4 * 2 ** Math.ceil(Math.log2(texts.length)) - 1;
  const slots = new Int32Array(mask + 1).fill(-1);
  const toSlot = (hash: number): number => (hash ^ (hash >>> 15)) & mask;
  for (const [index, bytes] of encoded.entries()) {
    if (!isKnown[index]) continue;
    let hash = offsetBasis;
    for (const byte of bytes.subarray(0, -1)) hash = Math.imul(hash ^ byte, prime);
    let slot = toSlot(hash);
    while (slots[slot] !== -1) slot = (slot + 1) & mask;
    slots[slot] = index;
  }
  const findByHash: TextTable["find"] = (json, start) => {
    const limit = Math.min(json.byteLength, start + longest);
    let hash = offsetBasis;
    for (let at = start; at < limit; at++) {
      const byte = json.getUint8(at);
      if (byte === quote) break;
      hash = Math.imul(hash ^ byte, prime);
    }
    for (let slot = toSlot(hash); ; slot = (slot + 1) & mask) {
      const index = slots[slot] ?? -1;
      if (index < 0 || matches(json, start, index)) return index;
    }
  };
  return { lengths, isComplete, matches, find: findByHash };
};
