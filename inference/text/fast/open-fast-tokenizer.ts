import { isJsonObject } from "#untrusted/is-json-object.ts";
import type { Encoding } from "../tokenizer-engine.ts";
import { createBertEncoder } from "./encode-bert-words.ts";
import { createByteLevelEncoder } from "./encode-byte-level-words.ts";
import { findAddedTokens } from "./find-added-tokens.ts";
import { hasOnlyKeys } from "./json-shapes.ts";
import { type BytePairModel, byteCharacters, pairKey } from "./merge-byte-pairs.ts";
import { readTemplate, type TemplatePart } from "./read-template.ts";
import { readVocabulary } from "./read-vocabulary.ts";
import { createTokenList, type TokenList } from "./token-list.ts";

export type FastTokenizer = {
  /** Undefined: only the reference implementation can encode this text. */
  encode(text: string, pair?: string): Encoding | undefined;
  /** How many special tokens a text, or a pair, has. */
  readonly specialTokens: number;
};

/** Adds a text's tokens, without special tokens, until there are `most`; false: only the reference can. */
type WordEncoder = (text: string, most: number, tokens: TokenList) => boolean;
type Content = { readonly [key: string]: unknown };

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";

const maxWordCharacters = 1_000;

const createWordPieceEncoder = ({
  normalizer,
  pre_tokenizer: preTokenizer,
  model,
}: Content): WordEncoder | undefined => {
  if (!hasOnlyKeys(preTokenizer, ["type"]) || preTokenizer.type !== "BertPreTokenizer") return undefined;
  const keys = ["type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"] as const;
  if (!hasOnlyKeys(normalizer, keys) || normalizer.type !== "BertNormalizer") return undefined;
  const { clean_text: cleanText, handle_chinese_chars: handleChinese, lowercase } = normalizer;
  const stripAccents = normalizer.strip_accents ?? lowercase;
  if (!isBoolean(cleanText) || !isBoolean(handleChinese) || !isBoolean(lowercase) || !isBoolean(stripAccents))
    return undefined;
  if (!isJsonObject(model)) return undefined;
  const { unk_token: unknownToken, continuing_subword_prefix: continuingPrefix } = model;
  const { max_input_chars_per_word: most } = model;
  const vocabulary = readVocabulary(model.vocab);
  const unknownId = typeof unknownToken === "string" ? vocabulary?.ids.get(unknownToken) : undefined;
  if (!vocabulary || unknownId === undefined || typeof continuingPrefix !== "string") return undefined;
  if (typeof most !== "number" || !Number.isInteger(most) || most < 0 || most > maxWordCharacters)
    return undefined;
  return createBertEncoder(
    { cleanText, handleChinese, stripAccents, lowercase },
    { vocabulary, unknownId, continuingPrefix, maxWordCharacters: most },
  );
};

/** Reads the merges of a BPE model. Undefined where a token is not in the vocabulary. */
const readMerges = (
  merges: unknown,
  vocabulary: ReadonlyMap<string, number>,
): Pick<BytePairModel, "ranks" | "mergedIds"> | undefined => {
  if (!Array.isArray(merges)) return undefined;
  const ranks = new Map<number, number>();
  const mergedIds: number[] = [];
  for (const [rank, merge] of merges.entries()) {
    const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(parts) || parts.length !== 2 || typeof merge !== typeof merges[0]) return undefined;
    const [left, right]: readonly unknown[] = parts;
    if (typeof left !== "string" || typeof right !== "string" || left.startsWith("#version"))
      return undefined;
    const leftId = vocabulary.get(left);
    const rightId = vocabulary.get(right);
    const id = vocabulary.get(left + right);
    if (leftId === undefined || rightId === undefined || id === undefined) return undefined;
    ranks.set(pairKey(leftId, rightId), rank);
    mergedIds.push(id);
  }
  return { ranks, mergedIds };
};

const isAbsent = (value: unknown): boolean => value === undefined || value === null;
/** Characters below are in composed form, whatever is around them. */
const firstComposable = /[\u0300-\u{10ffff}]/u;

const createBytePairEncoder = ({
  normalizer,
  pre_tokenizer: preTokenizer,
  model,
}: Content): WordEncoder | undefined => {
  const keys = ["type", "add_prefix_space", "trim_offsets", "use_regex"] as const;
  if (!hasOnlyKeys(preTokenizer, keys) || preTokenizer.type !== "ByteLevel") return undefined;
  const { add_prefix_space: addPrefixSpace, trim_offsets: trimOffsets, use_regex: useRegex } = preTokenizer;
  if (!isBoolean(addPrefixSpace) || !isBoolean(trimOffsets) || (useRegex !== undefined && useRegex !== true))
    return undefined;
  const isComposed = hasOnlyKeys(normalizer, ["type"]) && normalizer.type === "NFC";
  if (!isComposed && !isAbsent(normalizer)) return undefined;
  if (!isJsonObject(model) || !isAbsent(model.dropout)) return undefined;
  const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix, unk_token: unknownToken } = model;
  if (![prefix, suffix].every((affix) => isAbsent(affix) || affix === "")) return undefined;
  if (!isAbsent(unknownToken) && typeof unknownToken !== "string") return undefined;
  for (const flag of [model.fuse_unk, model.byte_fallback, model.ignore_merges])
    if (!isAbsent(flag) && !isBoolean(flag)) return undefined;
  const vocabulary = readVocabulary(model.vocab)?.ids;
  const merges = vocabulary && readMerges(model.merges, vocabulary);
  // With a token for each byte nothing is unknown.
  if (!merges || !byteCharacters.every((character) => vocabulary.has(character))) return undefined;
  const encode = createByteLevelEncoder(
    { vocabulary, ...merges, ignoreMerges: model.ignore_merges === true },
    { addPrefixSpace },
  );
  return (text, most, tokens) =>
    // What becomes of an empty text depends on the version of the reference.
    text !== "" && !(isComposed && firstComposable.test(text)) && encode(text, most, tokens);
};

/** Whether the reference implementation opens the file with this decoder, which no encoding uses. */
const isKnownDecoder = (decoder: unknown): boolean =>
  isAbsent(decoder) ||
  (hasOnlyKeys(decoder, ["type", "prefix", "cleanup"]) &&
    decoder.type === "WordPiece" &&
    typeof decoder.prefix === "string" &&
    isBoolean(decoder.cleanup)) ||
  (hasOnlyKeys(decoder, ["type", "add_prefix_space", "trim_offsets", "use_regex"]) &&
    decoder.type === "ByteLevel" &&
    isBoolean(decoder.add_prefix_space) &&
    isBoolean(decoder.trim_offsets) &&
    (decoder.use_regex === undefined || isBoolean(decoder.use_regex)));

const createWordEncoder = (content: Content): WordEncoder | undefined => {
  if (!isJsonObject(content.model)) return undefined;
  switch (content.model.type) {
    case "WordPiece":
      return createWordPieceEncoder(content);
    case "BPE":
      return createBytePairEncoder(content);
    default:
      return undefined;
  }
};

const countSpecialTokens = (parts: readonly TemplatePart[]): number =>
  parts.reduce((sum, part) => sum + (part.kind === "special" ? part.ids.length : 0), 0);

const joinParts = (
  parts: readonly TemplatePart[],
  texts: readonly Uint32Array[],
  cutEncodings: number,
): Encoding => {
  const read = (part: TemplatePart) =>
    part.kind === "special" ? part.ids : (texts[part.index] ?? new Uint32Array(0));
  const length = parts.reduce((sum, part) => sum + read(part).length, 0);
  // One allocation is faster than three.
  const numbers = new Uint32Array(3 * length).fill(1, 2 * length);
  let at = 0;
  for (const part of parts) {
    const tokens = read(part);
    numbers.set(tokens, at);
    if (part.typeId !== 0) numbers.fill(part.typeId, length + at, length + at + tokens.length);
    at += tokens.length;
  }
  return {
    ids: numbers.subarray(0, length),
    typeIds: numbers.subarray(length, 2 * length),
    attentionMask: numbers.subarray(2 * length),
    cutEncodings,
  };
};

/**
 * Opens a tokenizer.json of the two kinds that most models of texts have: BERT's (BertNormalizer, BertPreTokenizer,
 * WordPiece) and GPT-2's (byte-level BPE). Each text has the reference implementation's tokens; texts with added tokens,
 * and some others, are left to it. Returns undefined for a file with anything that is not known here: static rules, which
 * accept only files that the reference opens too.
 * @param maxTokens special tokens included, more than there are of them
 * @param direction the side that loses tokens
 */
export const openFastTokenizer = (
  content: Content,
  {
    maxTokens,
    direction,
    isPair,
  }: { readonly maxTokens: number; readonly direction: "Left" | "Right"; readonly isPair: boolean },
): FastTokenizer | undefined => {
  if (content.version !== "1.0" || !isKnownDecoder(content.decoder)) return undefined;
  const mayHaveAddedToken = findAddedTokens(content.added_tokens, {
    isNormalized: !isAbsent(content.normalizer),
  });
  const template = readTemplate(content.post_processor);
  const parts = isPair ? template?.pair : template?.single;
  if (!mayHaveAddedToken || !parts) return undefined;
  const encodeWords = createWordEncoder(content);
  if (!encodeWords) return undefined;
  const specialTokens = countSpecialTokens(parts);
  const most = maxTokens - specialTokens;
  const lists = [createTokenList(), createTokenList()] as const;
  const encodeText = (text: string, tokens: TokenList): boolean => {
    const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
    tokens.clear();
    if (mayHaveAddedToken(wellFormed)) return false;
    return encodeWords(wellFormed, direction === "Right" ? most + 1 : Number.POSITIVE_INFINITY, tokens);
  };
  return {
    specialTokens,
    encode: (text, pair) => {
      const [first, second] = lists;
      if ((pair === undefined) === isPair || !encodeText(text, first)) return undefined;
      if (pair === undefined)
        return joinParts(
          parts,
          [first.take(most, direction)],
          Math.max(0, Math.ceil(first.size() / most) - 1),
        );
      // The reference decides how a pair is cut.
      if (!encodeText(pair, second) || first.size() + second.size() > most) return undefined;
      return joinParts(parts, [first.take(most, direction), second.take(most, direction)], 0);
    },
  };
};
