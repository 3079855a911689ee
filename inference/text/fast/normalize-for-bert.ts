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

/** Parsed at the first character that needs them. */
const readTables = () => ({
  isRemoved: createRangeTest(tables.removedByCleaning),
  becomesSpace: createRangeTest(tables.spacesByCleaning),
  isChinese: createRangeTest(tables.chinese),
  isSpace: createRangeTest(tables.spaces),
  isPunctuation: createRangeTest(tables.punctuation),
  isNonspacingMark: createRangeTest(tables.nonspacingMarks),
  isOtherMark: createRangeTest(tables.otherMarks),
  decompositions: parseMap(tables.decompositions),
  lowercase: parseMap(tables.lowercase),
});
let parsed: ReturnType<typeof readTables> | undefined;

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
    parsed ??= readTables();
    const each = parsed;
    if (cleanText && each.isRemoved(code)) return "";
    const cleaned = cleanText && each.becomesSpace(code) ? 0x20 : code;
    const isChinese = handleChinese && each.isChinese(cleaned);
    const decomposed = stripAccents
      ? (decomposeHangul(cleaned) ?? each.decompositions.get(cleaned) ?? String.fromCodePoint(cleaned))
      : String.fromCodePoint(cleaned);
    let text = "";
    for (const part of decomposed) {
      const partCode = part.codePointAt(0) ?? 0;
      if (stripAccents && each.isNonspacingMark(partCode)) continue;
      if (stripAccents && each.isOtherMark(partCode)) return undefined;
      text += lowercase ? (each.lowercase.get(partCode) ?? part) : part;
    }
    let words = "";
    for (const part of isChinese ? ` ${text} ` : text) {
      const partCode = part.codePointAt(0) ?? 0;
      words += each.isSpace(partCode) ? " " : each.isPunctuation(partCode) ? ` ${part} ` : part;
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
