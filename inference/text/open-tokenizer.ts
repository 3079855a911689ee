import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { openFastTokenizer } from "./fast/open-fast-tokenizer.ts";
import { type Padding, readTokenizerSettings } from "./read-tokenizer-settings.ts";
import { TextRefused } from "./text-refused.ts";
import {
  createTokenizerEngine,
  type Encoding,
  type EncodingWithOffsets,
  type TokenizerEngine,
} from "./tokenizer-engine.ts";

/** A tokenizer.json, opened. */
export type TextTokenizer = {
  /**
   * Returns at most `maxTokens` tokens of a text, or of a pair, special tokens included, without padding. Throws
   * TextRefused.
   */
  readonly encode: (text: string, second?: string) => Encoding;
  /** The same with each token's place in its text. */
  readonly encodeWithOffsets: (text: string, second?: string) => EncodingWithOffsets;
  /** How the file fills texts up. */
  readonly padding: Padding;
};

/** How many characters per token to read first: no language has such long tokens. */
const charactersPerToken = 16;

/**
 * Finds where to cut a text at about `length` characters: before white space. Undefined where there is none near, because a
 * part of a word can have other tokens than the word: WordPiece gives one token for a word above its limit.
 */
const findCut = (text: string, length: number): number | undefined => {
  const start = Math.floor(length / 2);
  const space = text.slice(start, length).search(/\s\S*$/);
  return space > 0 ? start + space : undefined;
};

/** Pre-tokenizers after which no word holds white space. */
const splitters = new Set(["BertPreTokenizer", "Whitespace", "WhitespaceSplit"]);

/** Whether a text's words end at white space, so that those before a cut are the words of the complete text. */
const splitsAtSpaces = (preTokenizer: unknown): boolean => {
  if (!isJsonObject(preTokenizer)) return false;
  const { type, use_regex: useRegex, split, pretokenizers: parts } = preTokenizer;
  return (
    (typeof type === "string" && splitters.has(type)) ||
    (type === "ByteLevel" && useRegex !== false) ||
    (type === "Metaspace" && split !== false) ||
    (Array.isArray(parts) && parts.some(splitsAtSpaces))
  );
};

const refuseMaxTokens = (): never => {
  throw new ModelUnreadable("tokenizer.maxTokens is too small: the special tokens leave no room for text");
};

const assertRoomForText = (engine: TokenizerEngine, maxTokens: number, isPair: boolean): void => {
  try {
    const specialTokens = engine
      .encodeWithOffsets("a", isPair ? "a" : undefined)
      .specialTokensMask.reduce((sum, flag) => sum + flag, 0);
    if (specialTokens < maxTokens) return;
  } catch (error) {
    // A text that the tokenizer refuses says nothing about the room; a model may know no letter.
    if (!(error instanceof TextRefused) || !/truncat|overflow/i.test(error.message)) return;
  }
  refuseMaxTokens();
};

/** Calls `create` at the first use. */
const createAtFirstUse = <T>(create: () => T): (() => T) => {
  let created: { readonly value: T } | undefined;
  return () => {
    created ??= { value: create() };
    return created.value;
  };
};

/**
 * Opens a tokenizer.json, which decides everything except the number of tokens: its normalizer, its pre-tokenizer, its
 * model, its special tokens, and from which side truncation takes tokens. The stride of its truncation only changes what is
 * cut off. Throws ModelUnreadable.
 * A pair is cut as the file's truncation says, otherwise as transformers' `truncation=True` does: from the longer text.
 * Files of the two most frequent kinds have a faster way to the same tokens (fast/); the reference implementation is then
 * loaded for the first text that needs it.
 * @param maxTokens the manifest's limit, or less where the graph takes less
 */
export const openTokenizer = (
  bytes: Uint8Array,
  maxTokens: number,
  { isPair = false }: { readonly isPair?: boolean } = {},
): TextTokenizer => {
  const { content, truncation, padding } = readTokenizerSettings(bytes);
  const direction = truncation?.direction ?? "Right";
  if (truncation?.strategy === "OnlySecond" && !isPair)
    throw new ModelUnreadable(
      "the tokenizer's truncation.strategy OnlySecond cannot cut a single text: use LongestFirst (tokenizer.enable_truncation(max_length, strategy='longest_first') in Python)",
    );
  // Dropout is for training; slipway check refuses it.
  const model =
    isJsonObject(content.model) && content.model.dropout
      ? { ...content.model, dropout: null }
      : content.model;
  const readEngine = createAtFirstUse(() =>
    createTokenizerEngine(
      JSON.stringify({
        ...content,
        model,
        truncation: {
          direction,
          max_length: maxTokens,
          strategy: isPair ? (truncation?.strategy ?? "LongestFirst") : "LongestFirst",
          stride: 0,
        },
        padding: null,
      }),
    ),
  );
  const fast = openFastTokenizer({ ...content, model }, { maxTokens, direction, isPair });
  if (!fast) assertRoomForText(readEngine(), maxTokens, isPair);
  else if (fast.specialTokens >= maxTokens) refuseMaxTokens();
  const canCut = direction === "Right" && splitsAtSpaces(content.pre_tokenizer);
  /** Encodes a text without encoding a million characters for its first tokens; both lengths decide where a pair is cut. */
  const encodeStart = <T extends Encoding>(
    encode: (text: string, second?: string) => T,
    text: string,
    second: string | undefined,
  ): T => {
    if (canCut && second === undefined)
      for (let length = maxTokens * charactersPerToken; length < text.length; length *= 4) {
        const cut = findCut(text, length);
        if (cut === undefined) continue;
        const encoding = encode(text.slice(0, cut));
        // With as many spare tokens as needed ones, the rest of the text cannot change them.
        if (encoding.cutEncodings >= 2) return encoding;
      }
    return encode(text, second);
  };
  return {
    padding,
    encode: (text, second) => fast?.encode(text, second) ?? encodeStart(readEngine().encode, text, second),
    encodeWithOffsets: (text, second) => encodeStart(readEngine().encodeWithOffsets, text, second),
  };
};
