import { createWordCache } from "./create-word-cache.ts";
import { type BertNormalizer, createBertExpansion } from "./normalize-for-bert.ts";
import { createWordPieceSplitter, type WordPieceModel } from "./split-word-pieces.ts";
import type { TokenList } from "./token-list.ts";

/** ASCII characters by what they do; a run has all that are not below `inRun`, and all characters beyond ASCII. */
const space = 0;
const mark = 1;
const inRun = 2;
/** In a run, and stays as it is. */
const plain = 2;
/** In a run, and becomes one lowercase letter. */
const upper = 3;
/** In a run, and has to be expanded. */
const special = 4;
/** Characters from which on a run is hardly ever seen again. */
const longRun = 32;

const findKind = (character: string, expansion: string | undefined): number => {
  if (expansion === " ") return space;
  if (expansion === ` ${character} `) return mark;
  if (expansion === character) return plain;
  return expansion === character.toLowerCase() ? upper : special;
};

/** What a run of characters without ASCII spaces and punctuation is: one word's tokens, or several words. */
type Run =
  | { readonly ids: readonly number[]; readonly words?: undefined }
  | { readonly words: readonly string[]; readonly ids?: undefined };

/**
 * Encodes a text as BertNormalizer, BertPreTokenizer and WordPiece do, special tokens left out, until the list has `most`
 * tokens. ASCII spaces and punctuation always end a word, so that the text between them, a run, is encoded alone, and once.
 * Returns false for a text that only the reference implementation can encode.
 */
export const createBertEncoder = (
  normalizer: BertNormalizer,
  model: WordPieceModel,
): ((text: string, most: number, tokens: TokenList) => boolean) => {
  const expand = createBertExpansion(normalizer);
  const splitPieces = createWordPieceSplitter(model);
  const kinds = new Uint8Array(128);
  const markTokens: (readonly number[])[] = [];
  for (let code = 0; code < 128; code++) {
    const character = String.fromCharCode(code);
    const expansion = expand(code);
    kinds[code] = findKind(character, expansion);
    if (kinds[code] === mark) markTokens[code] = splitPieces(character);
  }
  const findWord = createWordCache(splitPieces);
  const findCapitalized = createWordCache((word) => splitPieces(word.toLowerCase()));
  const expandRun = (run: string): string | undefined => {
    let expanded = "";
    for (const character of run) {
      const expansion = expand(character.codePointAt(0) ?? 0);
      if (expansion === undefined) return undefined;
      expanded += expansion;
    }
    return expanded;
  };
  const findSpecialRun = createWordCache((run): Run | undefined => {
    const expanded = expandRun(run);
    if (expanded === undefined) return undefined;
    const words = expanded.split(" ").filter((word) => word !== "");
    const [word, another] = words;
    if (word === undefined) return { ids: [] };
    return another === undefined ? { ids: splitPieces(word) } : { words };
  });
  /** Adds a long run's tokens word by word: Chinese has no spaces, and only the first words may count. */
  const addLongRun = (run: string, most: number, tokens: TokenList): boolean => {
    let word = "";
    for (const character of run) {
      const expansion = expand(character.codePointAt(0) ?? 0);
      if (expansion === undefined) return false;
      const [first = "", ...others] = expansion.split(" ");
      word += first;
      for (const next of others) {
        if (word !== "") tokens.add(findWord(word) ?? []);
        word = next;
      }
      if (tokens.size() >= most) return true;
    }
    if (word !== "") tokens.add(findWord(word) ?? []);
    return true;
  };
  return (text, most, tokens) => {
    const { length } = text;
    let at = 0;
    while (at < length && tokens.size() < most) {
      const code = text.charCodeAt(at);
      const kind = code < 128 ? (kinds[code] ?? special) : special;
      if (kind === space) {
        at++;
        continue;
      }
      if (kind === mark) {
        tokens.add(markTokens[code] ?? []);
        at++;
        continue;
      }
      const start = at++;
      let highest = kind;
      for (; at < length; at++) {
        const next = text.charCodeAt(at);
        const nextKind = next < 128 ? (kinds[next] ?? special) : special;
        if (nextKind < inRun) break;
        if (nextKind > highest) highest = nextKind;
      }
      const characters = text.slice(start, at);
      if (highest < special) {
        tokens.add((highest === plain ? findWord(characters) : findCapitalized(characters)) ?? []);
        continue;
      }
      if (characters.length > longRun) {
        if (!addLongRun(characters, most, tokens)) return false;
        continue;
      }
      const run = findSpecialRun(characters);
      if (run === undefined) return false;
      if (run.ids) tokens.add(run.ids);
      else for (const word of run.words) tokens.add(findWord(word) ?? []);
    }
    return true;
  };
};
