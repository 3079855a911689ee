import tables from "./character-tables.json" with { type: "json" };
import { createWordCache } from "./create-word-cache.ts";
import { type BytePairModel, createBytePairMerger } from "./merge-byte-pairs.ts";
import { parseRanges } from "./parse-ranges.ts";
import type { TokenList } from "./token-list.ts";

const other = 0;
const letter = 1;
const number = 2;
const space = 3;
const characters = 0x11_0000;

let classes: Uint8Array | undefined;
/** The class of each character. Only ranges are filled, so that the pages of most planes take no memory. */
const readClasses = (): Uint8Array => {
  if (classes) return classes;
  const filled = new Uint8Array(characters);
  for (const [text, kind] of [
    [tables.letters, letter],
    [tables.numbers, number],
    [tables.byteLevelSpaces, space],
  ] as const)
    for (const [first, last] of parseRanges(text)) filled.fill(kind, first, last + 1);
  classes = filled;
  return filled;
};

const apostrophe = 0x27;
const blank = 0x20;
const contractions = ["s", "t", "re", "ve", "m", "ll", "d"];

/**
 * Encodes a text as ByteLevel with GPT-2's pattern and BPE do, special tokens left out, until the list has `most` tokens.
 * The pattern: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * Returns false for a text that only the reference implementation can encode.
 */
export const createByteLevelEncoder = (
  model: BytePairModel,
  { addPrefixSpace }: { readonly addPrefixSpace: boolean },
): ((text: string, most: number, tokens: TokenList) => boolean) => {
  const kinds = readClasses();
  const findWord = createWordCache(createBytePairMerger(model));
  const kindAt = (text: string, at: number): number => kinds[text.codePointAt(at) ?? 0] ?? other;
  const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  const findRunEnd = (text: string, start: number, kind: number): number => {
    let end = start;
    while (end < text.length && kindAt(text, end) === kind) end += widthAt(text, end);
    return end;
  };
  const findWordEnd = (text: string, start: number): number => {
    const code = text.charCodeAt(start);
    if (code === apostrophe) {
      const contraction = contractions.find((each) => text.startsWith(each, start + 1));
      if (contraction !== undefined) return start + 1 + contraction.length;
    }
    const kind = kindAt(text, start);
    if (kind !== space) return findRunEnd(text, start, kind);
    const next = start + 1 < text.length ? kindAt(text, start + 1) : space;
    if (code === blank && next !== space) return findRunEnd(text, start + 1, next);
    // The last of several spaces belongs to the word behind them, and is a word of its own if it is not a blank.
    const end = findRunEnd(text, start, space);
    return end < text.length && end - start > 1 ? end - 1 : end;
  };
  return (text, most, tokens) => {
    const prefixed = addPrefixSpace && !text.startsWith(" ") ? ` ${text}` : text;
    let at = 0;
    while (at < prefixed.length && tokens.size() < most) {
      const end = findWordEnd(prefixed, at);
      const ids = findWord(prefixed.slice(at, end));
      if (ids === undefined) return false;
      tokens.add(ids);
      at = end;
    }
    return true;
  };
};
