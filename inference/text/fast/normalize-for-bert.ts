import tables from "./character-tables.json" with { type: "json" };
import { createRangeTest } from "./parse-ranges.ts";

export type BertNormalizer = {
  readonly cleanText: boolean;
  readonly handleChinese: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
};

/** A map of character-tables.json: `c0=41.300` for À. */
const parseMap = (text: string): ReadonlyMap<number, string> =>
  new Map(
    text.split(" ").map((entry): [number, string] => {
      const [code = "", replacement = ""] = entry.split("=");
      return [
        Number.parseInt(code, 16),
        String.fromCodePoint(...replacement.split(".").map((each) => Number.parseInt(each, 16))),
      ];
    }),
  );

/** Hangul syllables are decomposed by arithmetic (the Unicode standard, 3.12). */
const decomposeHangul = (code: number): string | undefined => {
  const index = code - 0xac00;
  if (index < 0 || index >= 11_172) return undefined;
  const tail = index % 28;
  return String.fromCodePoint(
    0x1100 + Math.floor(index / 588),
    0x1161 + Math.floor((index % 588) / 28),
    ...(tail === 0 ? [] : [0x11a7 + tail]),
  );
};

const parseAtFirstUse = <T>(parse: () => T): (() => T) => {
  let parsed: T | undefined;
  return () => {
    parsed ??= parse();
    return parsed;
  };
};
const isRemoved = createRangeTest(tables.removedByCleaning);
const becomesSpace = createRangeTest(tables.spacesByCleaning);
const isChinese = createRangeTest(tables.chinese);
const isSpace = createRangeTest(tables.spaces);
const isPunctuation = createRangeTest(tables.punctuation);
const isNonspacingMark = createRangeTest(tables.nonspacingMarks);
const isOtherMark = createRangeTest(tables.otherMarks);
const readDecompositions = parseAtFirstUse(() => parseMap(tables.decompositions));
const readLowercase = parseAtFirstUse(() => parseMap(tables.lowercase));

/** ASCII needs none of the large tables, which a short-lived function may never read. */
const decompose = (code: number): string =>
  (code < 0x80 ? undefined : (decomposeHangul(code) ?? readDecompositions().get(code))) ??
  String.fromCodePoint(code);
const toLowercase = (character: string, code: number): string =>
  code < 0x80 ? character.toLowerCase() : (readLowercase().get(code) ?? character);

/**
 * What BertNormalizer and BertPreTokenizer make of a character (code point), as text in which only a space separates words:
 * " , " for a comma, "" for what they remove. They treat each character alone, with one exception: decomposition sorts
 * marks. Those that stay behind after it are undefined here; their order depends on the characters around them.
 *
 * The steps are those of the reference implementation (normalizers/bert.rs, pre_tokenizers/bert.rs), over its own tables.
 */
export const createBertExpansion = ({
  cleanText,
  handleChinese,
  stripAccents,
  lowercase,
}: BertNormalizer): ((code: number) => string | undefined) => {
  const expand = (code: number): string | undefined => {
    if (cleanText && isRemoved(code)) return "";
    const cleaned = cleanText && becomesSpace(code) ? 0x20 : code;
    let text = "";
    for (const part of stripAccents ? decompose(cleaned) : String.fromCodePoint(cleaned)) {
      const partCode = part.codePointAt(0) ?? 0;
      if (stripAccents && isNonspacingMark(partCode)) continue;
      if (stripAccents && isOtherMark(partCode)) return undefined;
      text += lowercase ? toLowercase(part, partCode) : part;
    }
    let words = "";
    for (const part of handleChinese && isChinese(cleaned) ? ` ${text} ` : text) {
      const partCode = part.codePointAt(0) ?? 0;
      words += isSpace(partCode) ? " " : isPunctuation(partCode) ? ` ${part} ` : part;
    }
    return words;
  };
  const known = new Map<number, string | undefined>();
  return (code) => {
    const expansion = known.get(code);
    if (expansion !== undefined || known.has(code)) return expansion;
    const found = expand(code);
    known.set(code, found);
    return found;
  };
};
