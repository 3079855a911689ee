import { createTokenizerEngine } from "#inference/text/tokenizer-engine.ts";

/**
 * The tables of inference/text/fast/character-table.ts. Ranges: the first and the last character, hexadecimal. Maps: a
 * character and the characters that replace it.
 */
export type CharacterTables = Readonly<Record<RangeName | MapName, string>>;
type RangeName =
  | "removedByCleaning"
  | "spacesByCleaning"
  | "chinese"
  | "spaces"
  | "punctuation"
  | "nonspacingMarks"
  | "otherMarks"
  | "letters"
  | "numbers"
  | "byteLevelSpaces";
type MapName = "decompositions" | "lowercase";

const lastCharacter = 0x10ffff;
const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
/** Few calls of the reference, and texts of a moderate length. */
const charactersPerText = 512;

const listCharacters = function* (): Generator<readonly number[]> {
  for (let start = 0; start <= lastCharacter; start += charactersPerText)
    yield Array.from({ length: charactersPerText }, (_, at) => start + at).filter(
      (code) => !isSurrogate(code),
    );
};

const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const formatByte = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** A separator that no normalizer changes, and into which none changes another character. */
const separator = "!";

/** What a normalizer makes of each character, between two texts: its tokens are the bytes of the text. */
const normalizeCharacters = (normalizer: object, before = "", after = ""): Map<number, string> => {
  const engine = createTokenizerEngine(
    JSON.stringify({
      version: "1.0",
      added_tokens: [],
      normalizer,
      model: {
        type: "BPE",
        byte_fallback: true,
        vocab: Object.fromEntries(bytes.map((byte) => [formatByte(byte), byte])),
        merges: [],
      },
    }),
  );
  const results = new Map<number, string>();
  for (const codes of listCharacters()) {
    const others = codes.filter((code) => String.fromCodePoint(code) !== separator);
    const text = others.map((code) => before + String.fromCodePoint(code) + after).join(separator);
    const parts = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(Uint8Array.from(engine.encode(text).ids))
      .split(separator);
    if (parts.length !== Math.max(others.length, 1)) throw new Error("a character became the separator");
    for (const [at, code] of others.entries()) results.set(code, parts[at] ?? "");
  }
  return results.set(separator.charCodeAt(0), before + separator + after);
};

/** How many words a pre-tokenizer makes of each character between two others. */
const countWords = (preTokenizer: object, before: string, between: string): Map<number, number> => {
  const engine = createTokenizerEngine(
    JSON.stringify({
      version: "1.0",
      added_tokens: [],
      pre_tokenizer: preTokenizer,
      model: { type: "WordLevel", unk_token: "unknown", vocab: { unknown: 0 } },
    }),
  );
  const results = new Map<number, number>();
  const width = before.length + 1 + before.length + between.length;
  for (const codes of listCharacters()) {
    if (codes.length === 0) continue;
    const text = codes.map((code) => before + String.fromCodePoint(code) + before).join(between);
    const { offsets } = engine.encodeWithOffsets(text);
    for (const code of codes) results.set(code, 0);
    for (let at = 0; at < offsets.length; at += 2) {
      const start = offsets[at] ?? 0;
      // The separator's own word, where it has one, starts after a piece's three characters.
      if (start % width >= width - between.length) continue;
      const code = codes[Math.floor(start / width)];
      if (code !== undefined) results.set(code, (results.get(code) ?? 0) + 1);
    }
  }
  return results;
};

const writeRanges = (contains: (code: number) => boolean): string => {
  const ranges: string[] = [];
  for (let code = 0; code <= lastCharacter; code++) {
    if (!contains(code)) continue;
    const start = code;
    while (code < lastCharacter && contains(code + 1)) code++;
    ranges.push(start === code ? start.toString(16) : `${start.toString(16)}-${code.toString(16)}`);
  }
  return ranges.join(" ");
};

/** A map of the characters that a normalizer changes. */
const writeMap = (results: ReadonlyMap<number, string>, leaveOut: (code: number) => boolean): string =>
  [...results]
    .filter(([code, text]) => text !== String.fromCodePoint(code) && !leaveOut(code))
    .sort(([a], [b]) => a - b)
    .map(
      ([code, text]) =>
        `${code.toString(16)}=${[...text].map((each) => each.codePointAt(0)?.toString(16)).join(".")}`,
    )
    .join(" ");

const noBert = {
  type: "BertNormalizer",
  clean_text: false,
  handle_chinese_chars: false,
  strip_accents: false,
  lowercase: false,
};

/** Asks the reference implementation about each character of Unicode. Takes some seconds. */
export const readCharacterTables = (): CharacterTables => {
  const character = (code: number) => String.fromCodePoint(code);
  const cleaned = normalizeCharacters({ ...noBert, clean_text: true });
  const chinese = normalizeCharacters({ ...noBert, handle_chinese_chars: true });
  const decomposed = normalizeCharacters({ type: "NFD" });
  const stripped = normalizeCharacters({ ...noBert, strip_accents: true });
  const lowercase = normalizeCharacters({ type: "Lowercase" });
  // Marks of the lowest and of the highest combining class: NFD moves any other mark behind the one, or before the other.
  const [low, high] = ["\u0334", "\u0345"];
  const beforeLow = normalizeCharacters({ type: "NFD" }, "", low);
  const behindHigh = normalizeCharacters({ type: "NFD" }, `a${high}`);
  const bertWords = countWords({ type: "BertPreTokenizer" }, "a", " ");
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true };
  const letters = countWords(byteLevel, "a", "\n");
  const numbers = countWords(byteLevel, "1", "\n");
  const others = countWords(byteLevel, "!", "\n");
  const isNonspacing = (code: number) =>
    decomposed.get(code) === character(code) && stripped.get(code) === "";
  const isHangulSyllable = (code: number) => code >= 0xac00 && code <= 0xd7a3;
  return {
    removedByCleaning: writeRanges((code) => cleaned.get(code) === ""),
    spacesByCleaning: writeRanges((code) => code !== 0x20 && cleaned.get(code) === " "),
    chinese: writeRanges((code) => chinese.get(code) === ` ${character(code)} `),
    spaces: writeRanges((code) => bertWords.get(code) === 2),
    punctuation: writeRanges((code) => bertWords.get(code) === 3),
    nonspacingMarks: writeRanges(isNonspacing),
    otherMarks: writeRanges(
      (code) =>
        decomposed.get(code) === character(code) &&
        !isNonspacing(code) &&
        (beforeLow.get(code) !== character(code) + low ||
          behindHigh.get(code) !== `a${high}${character(code)}`),
    ),
    letters: writeRanges((code) => letters.get(code) === 1),
    numbers: writeRanges((code) => numbers.get(code) === 1),
    byteLevelSpaces: writeRanges(
      (code) =>
        letters.get(code) !== 1 && numbers.get(code) !== 1 && others.get(code) !== 1 && letters.has(code),
    ),
    decompositions: writeMap(decomposed, isHangulSyllable),
    lowercase: writeMap(lowercase, () => false),
  };
};
