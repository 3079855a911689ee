import { Tokenizer } from "@huggingface/tokenizers";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";

const maxBytes = 32 * 1_024 * 1_024;

/** Returns at most `maxTokens` token ids of a text, special tokens included. */
export type Tokenize = (text: string) => number[];

/** How many characters per token to read first: no language has such long tokens. */
const charactersPerToken = 16;
/** A text's start is enough if it has this many times the needed tokens: then the rest cannot change them. */
const spareFactor = 2;

/** Finds where to cut a text at about `length` characters: before white space, or at least not inside a surrogate pair. */
const findCut = (text: string, length: number): number => {
  const start = Math.floor(length / 2);
  const space = text.slice(start, length).search(/\s\S*$/);
  if (space > 0) return start + space;
  const code = text.charCodeAt(length - 1);
  return code >= 0xd800 && code <= 0xdbff ? length - 1 : length;
};

const parseTokenizer = (bytes: Uint8Array): Tokenizer => {
  if (bytes.length > maxBytes)
    throw new ModelUnreadable(`the tokenizer is larger than ${maxBytes / 1_024 / 1_024} MB`);
  try {
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof content !== "object" || content === null) throw new TypeError("it is not an object");
    return new Tokenizer(content, {});
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "it cannot be read";
    throw new ModelUnreadable(`the file is not a Hugging Face tokenizer.json: ${reason}`);
  }
};

/**
 * Opens a tokenizer.json. Slipway truncates by the manifest and ignores the file's settings: it drops the text's last
 * tokens and keeps the special tokens around it. Throws ModelUnreadable.
 */
export const openTokenizer = (bytes: Uint8Array, maxTokens: number): Tokenize => {
  const tokenizer = parseTokenizer(bytes);
  const encode = (text: string, withSpecialTokens: boolean): number[] =>
    // A tokenizer without an unknown token returns no id for unknown text.
    tokenizer.encode(text, { add_special_tokens: withSpecialTokens }).ids.filter(Number.isInteger);
  // The special tokens are found once, with a text of one letter, so that each text is tokenized only once.
  const full = encode("a", true);
  const bare = encode("a", false);
  const textStart =
    bare.length === 0
      ? 1
      : full.findIndex((_, start) => bare.every((id, index) => full[start + index] === id));
  if (textStart < 0) throw new ModelUnreadable("the tokenizer's special tokens do not surround the text");
  const prefix = full.slice(0, textStart);
  const suffix = full.slice(textStart + bare.length);
  const textTokens = maxTokens - prefix.length - suffix.length;
  if (textTokens < 1)
    throw new ModelUnreadable("tokenizer.maxTokens is too small: the special tokens leave no room for text");
  /** Returns a text's first tokens without tokenizing a million characters for them. */
  const encodeStart = (text: string): number[] => {
    for (let length = maxTokens * charactersPerToken; length < text.length; length *= 4) {
      const ids = encode(text.slice(0, findCut(text, length)), false);
      if (ids.length >= spareFactor * textTokens) return ids.slice(0, textTokens);
    }
    return encode(text, false).slice(0, textTokens);
  };
  return (text) => [...prefix, ...encodeStart(text), ...suffix];
};
