import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { type Padding, readTokenizerSettings } from "./read-tokenizer-settings.ts";
import { TextRefused } from "./text-refused.ts";
import { createTokenizerEngine, type Encoding, type TokenizerEngine } from "./tokenizer-engine.ts";

/** A tokenizer.json, opened. */
export type TextTokenizer = {
  /** Returns at most `maxTokens` tokens of a text, special tokens included, without padding. Throws TextRefused. */
  readonly encode: (text: string) => Encoding;
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

const assertRoomForText = (engine: TokenizerEngine, maxTokens: number): void => {
  try {
    const specialTokens = engine
      .encodeWithOffsets("a")
      .specialTokensMask.reduce((sum, flag) => sum + flag, 0);
    if (specialTokens < maxTokens) return;
  } catch (error) {
    // A text that the tokenizer refuses says nothing about the room; a model may know no letter.
    if (!(error instanceof TextRefused) || !/truncat|overflow/i.test(error.message)) return;
  }
  throw new ModelUnreadable("tokenizer.maxTokens is too small: the special tokens leave no room for text");
};

/**
 * Opens a tokenizer.json, which decides everything except the number of tokens: its normalizer, its pre-tokenizer, its
 * model, its special tokens, and from which side truncation takes tokens. The stride of its truncation only changes what is
 * cut off. Throws ModelUnreadable.
 * @param maxTokens the manifest's limit, or less where the graph takes less
 */
export const openTokenizer = (bytes: Uint8Array, maxTokens: number): TextTokenizer => {
  const { content, truncation, padding } = readTokenizerSettings(bytes);
  const direction = truncation?.direction ?? "Right";
  if (truncation?.strategy === "OnlySecond")
    throw new ModelUnreadable(
      "the tokenizer's truncation.strategy OnlySecond cannot cut a single text: use LongestFirst (tokenizer.enable_truncation(max_length, strategy='longest_first') in Python)",
    );
  const engine = createTokenizerEngine(
    JSON.stringify({
      ...content,
      // Dropout is for training; slipway check refuses it.
      ...(isJsonObject(content.model) && content.model.dropout
        ? { model: { ...content.model, dropout: null } }
        : {}),
      truncation: { direction, max_length: maxTokens, strategy: "LongestFirst", stride: 0 },
      padding: null,
    }),
  );
  assertRoomForText(engine, maxTokens);
  const canCut = direction === "Right" && splitsAtSpaces(content.pre_tokenizer);
  return {
    padding,
    /** Encodes a text without encoding a million characters for its first tokens. */
    encode: (text) => {
      if (canCut)
        for (let length = maxTokens * charactersPerToken; length < text.length; length *= 4) {
          const cut = findCut(text, length);
          if (cut === undefined) continue;
          const encoding = engine.encode(text.slice(0, cut));
          // With as many spare tokens as needed ones, the rest of the text cannot change them.
          if (encoding.cutEncodings >= 2) return encoding;
        }
      return engine.encode(text);
    },
  };
};
