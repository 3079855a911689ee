const quote = 0x22;
const backslash = 0x5c;

/** Texts by their bytes in JSON, as source/scan.h has them. */
export type TextTable = {
  /** For each text that can be found: its bytes in JSON with the closing quote, and its index. */
  readonly texts: readonly { readonly bytes: Uint8Array; readonly index: number }[];
  /** Whether each text can be found. */
  readonly isComplete: boolean;
  /** By the hash of a text: 0, or 1 + its place in `texts`. Empty where there are so few that each is compared. */
  readonly slots: Uint32Array;
};

/** Of more texts the one with an equal hash is compared, instead of each. */
const maxCompared = 8;

const canStandUnescaped = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 0x20 && byte !== quote && byte !== backslash);

/** FNV-1a. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

const createSlots = (texts: TextTable["texts"]): Uint32Array => {
  // At most a quarter of the slots is used, so that a search meets an empty one soon.
  const slots = new Uint32Array(4 * 2 ** Math.ceil(Math.log2(texts.length)));
  const mask = slots.length - 1;
  for (const [place, { bytes }] of texts.entries()) {
    let hash = offsetBasis;
    for (const byte of bytes.subarray(0, -1)) hash = Math.imul(hash ^ byte, prime) >>> 0;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = place + 1;
  }
  return slots;
};

/**
 * Prepares texts for the scanner. A text that JSON must escape is never found, so that its rows are read another way.
 * @param values each once
 */
export const createTextTable = (values: readonly string[]): TextTable => {
  const texts = values.flatMap((text, index) => {
    const bytes = new Uint8Array(Buffer.from(`${text}"`));
    return text.isWellFormed() && canStandUnescaped(bytes.subarray(0, -1)) ? [{ bytes, index }] : [];
  });
  return {
    texts,
    isComplete: texts.length === values.length,
    slots: texts.length <= maxCompared ? new Uint32Array() : createSlots(texts),
  };
};
