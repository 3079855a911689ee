import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";

type Direction = "Left" | "Right";
type Truncation = {
  readonly maxTokens: number;
  /** The side that loses tokens. */
  readonly direction: Direction;
  readonly strategy: "LongestFirst" | "OnlyFirst" | "OnlySecond";
};
export type Padding = {
  /** Absent: as long as the longest text of a run. */
  readonly fixedTokens?: number;
  readonly multiple: number;
  readonly direction: Direction;
  /** Undefined: the file does not say which token fills a text up. */
  readonly id: number | undefined;
  readonly typeId: number;
};
/** The settings of a tokenizer.json on which the manifest and the graph have a say too. */
export type TokenizerSettings = {
  /** The file's content, parsed. */
  readonly content: { readonly [key: string]: unknown };
  readonly truncation: Truncation | undefined;
  readonly padding: Padding;
};

const maxBytes = 32 * 1_024 * 1_024;
const maxFixedTokens = 8_192;
const paddingTokens = ["[PAD]", "<pad>", "<PAD>", "<|pad|>"];

const refuse = (message: string): never => {
  throw new ModelUnreadable(message);
};

const parseContent = (bytes: Uint8Array): TokenizerSettings["content"] => {
  if (bytes.length > maxBytes) refuse(`the tokenizer is larger than ${maxBytes / 1_024 / 1_024} MB`);
  try {
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isJsonObject(content)) throw new TypeError("it is not an object");
    return content;
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "it cannot be read";
    return refuse(`the file is not a Hugging Face tokenizer.json: ${reason}`);
  }
};

const readInteger = (value: unknown, name: string, most = 0xffff_ffff): number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most
    ? value
    : refuse(`the tokenizer's ${name} is not an integer from 0 to ${most}`);

const readChoice = <T extends string>(value: unknown, choices: readonly T[], name: string): T =>
  choices.find((choice) => choice === value) ??
  refuse(`the tokenizer's ${name} is not one of ${choices.join(", ")}`);

const readTruncation = (value: unknown): Truncation | undefined => {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) return refuse("the tokenizer's truncation is not an object");
  return {
    maxTokens: readInteger(value.max_length, "truncation.max_length"),
    direction: readChoice(value.direction ?? "Right", ["Left", "Right"], "truncation.direction"),
    strategy: readChoice(value.strategy, ["LongestFirst", "OnlyFirst", "OnlySecond"], "truncation.strategy"),
  };
};

/** A file without padding may still have the token that Python's transformers pad with. */
const findPaddingToken = ({ added_tokens: tokens }: TokenizerSettings["content"]): number | undefined => {
  if (!Array.isArray(tokens)) return undefined;
  for (const name of paddingTokens)
    for (const token of tokens)
      if (isJsonObject(token) && token.content === name && typeof token.id === "number") return token.id;
  return undefined;
};

const readPadding = (content: TokenizerSettings["content"]): Padding => {
  const { padding } = content;
  if (padding === undefined || padding === null)
    return { multiple: 1, direction: "Right", id: findPaddingToken(content), typeId: 0 };
  if (!isJsonObject(padding)) return refuse("the tokenizer's padding is not an object");
  const { strategy } = padding;
  const multiple = padding.pad_to_multiple_of;
  return {
    ...(strategy === "BatchLongest"
      ? {}
      : {
          fixedTokens: readInteger(
            isJsonObject(strategy) ? strategy.Fixed : undefined,
            "padding.strategy.Fixed",
            maxFixedTokens,
          ),
        }),
    multiple: Math.max(
      1,
      multiple === undefined || multiple === null
        ? 1
        : readInteger(multiple, "padding.pad_to_multiple_of", maxFixedTokens),
    ),
    direction: readChoice(padding.direction, ["Left", "Right"], "padding.direction"),
    id: readInteger(padding.pad_id, "padding.pad_id"),
    typeId: readInteger(padding.pad_type_id, "padding.pad_type_id"),
  };
};

/** Reads truncation and padding of a tokenizer.json. Throws ModelUnreadable. */
export const readTokenizerSettings = (bytes: Uint8Array): TokenizerSettings => {
  const content = parseContent(bytes);
  return { content, truncation: readTruncation(content.truncation), padding: readPadding(content) };
};
