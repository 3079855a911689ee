import { Tokenizer } from "@huggingface/tokenizers";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";

const maxBytes = 32 * 1_024 * 1_024;

/** The token ids of a text, special tokens included, cut off so that there are at most `maxTokens`. */
export type Tokenize = (text: string) => number[];

/** Characters that are read of a text for each token that is kept, at first: in no language are tokens so long. */
const charactersPerToken = 16;
/** How many times more tokens than are kept must come of a text's beginning, for its end not to matter to them. */
const spareFactor = 2;

/** Where a text may be cut at about `length` characters: before white space, or at least not within a pair. */
const findCut = (text: string, length: number): number => {
  const from = Math.floor(length / 2);
  const space = text.slice(from, length).search(/\s\S*$/);
  if (space > 0) return from + space;
  const code = text.charCodeAt(length - 1);
  return code >= 0xd800 && code <= 0xdbff ? length - 1 : length;
};

const parseTokenizer = (bytes: Uint8Array): Tokenizer => {
  if (bytes.length > maxBytes)
    throw new ModelUnreadable(`the tokenizer is larger than ${maxBytes / 1_024 / 1_024} MB`);
  try {
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof content !== "object" || content === null) throw new TypeError("it holds no object");
    return new Tokenizer(content, {});
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200) : "it cannot be read";
    throw new ModelUnreadable(`the tokenizer is no tokenizer.json of Hugging Face's tokenizers: ${why}`);
  }
};

/**
 * Opens a tokenizer.json. Truncation is Slipway's own, by the manifest, whatever the file says of it: the text's last
 * tokens go, and the special tokens around it stay. Throws ModelUnreadable.
 */
export const openTokenizer = (bytes: Uint8Array, maxTokens: number): Tokenize => {
  const tokenizer = parseTokenizer(bytes);
  const encode = (text: string, special: boolean): number[] =>
    // A tokenizer without a token for what it does not know gives no id for that.
    tokenizer.encode(text, { add_special_tokens: special }).ids.filter(Number.isInteger);
  // Found once on a text of one letter, so that each text is tokenized once, without special tokens.
  const whole = encode("a", true);
  const bare = encode("a", false);
  const at =
    bare.length === 0 ? 1 : whole.findIndex((_, from) => bare.every((id, step) => whole[from + step] === id));
  if (at < 0) throw new ModelUnreadable("the tokenizer's special tokens do not stand around the text");
  const before = whole.slice(0, at);
  const after = whole.slice(at + bare.length);
  const room = maxTokens - before.length - after.length;
  if (room < 1) throw new ModelUnreadable(`tokenizer.maxTokens leaves no room beside the special tokens`);
  /** A text's first tokens. A million characters are not tokenized for the few hundred tokens that are kept of them. */
  const first = (text: string): number[] => {
    for (let length = maxTokens * charactersPerToken; length < text.length; length *= 4) {
      const ids = encode(text.slice(0, findCut(text, length)), false);
      if (ids.length >= spareFactor * room) return ids.slice(0, room);
    }
    return encode(text, false).slice(0, room);
  };
  return (text) => [...before, ...first(text), ...after];
};
