import * as z from "zod";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { checkLinearPattern } from "./check-linear-pattern.ts";

/** No language has longer tokens. */
const maxTokenCharacters = 1_024;
/** A replacement of each character must not make a text a thousand times longer. */
const maxReplacementCharacters = 64;
/** WordPiece tries every part of a word at every position: this bounds the cost of a word. */
const maxWordCharacters = 1_000;
const maxParts = 100_000;

/** Finds all regular expressions in a part of the file, with their paths: normalizers and pre-tokenizers can be nested. */
const findPatterns = (
  value: unknown,
  path: string,
): { readonly path: string; readonly pattern: string }[] => {
  const patterns: { path: string; pattern: string }[] = [];
  const queue: { value: unknown; path: string }[] = [{ value, path }];
  for (let index = 0; index < queue.length; index++) {
    const part = queue[index];
    if (!part) break;
    if (queue.length > maxParts)
      throw new ModelUnreadable(`the tokenizer's ${path} has more than ${maxParts} parts`);
    if (Array.isArray(part.value))
      for (const [position, item] of part.value.entries())
        queue.push({ value: item, path: `${part.path}[${position}]` });
    if (!isJsonObject(part.value)) continue;
    for (const [key, item] of Object.entries(part.value)) {
      if (key === "Regex" && item !== undefined && item !== null)
        patterns.push({ path: part.path, pattern: String(item) });
      else if (typeof item === "object") queue.push({ value: item, path: `${part.path}.${key}` });
    }
  }
  return patterns;
};

/** Finds in nested normalizers and pre-tokenizers what has no bound, or ends the tokenizer on every text. */
const findUnboundedPart = (value: unknown): string | undefined => {
  const queue: unknown[] = [value];
  for (let index = 0; index < queue.length && index <= maxParts; index++) {
    const part = queue[index];
    if (Array.isArray(part)) queue.push(...part.slice(0, maxParts));
    if (!isJsonObject(part)) continue;
    const { type, content, prepend, length } = part;
    if (type === "FixedLength" && length === 0) return "the pre-tokenizer FixedLength has the length 0";
    for (const text of [content, prepend])
      if (typeof text === "string" && text.length > maxReplacementCharacters)
        return `the normalizer ${String(type)} inserts more than ${maxReplacementCharacters} characters`;
    queue.push(...Object.values(part).filter((item) => typeof item === "object"));
  }
  return undefined;
};

const tryParseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
};

const AddedTokens = z.array(z.object({ content: z.string() })).catch([]);

/**
 * Throws ModelUnreadable unless the tokenizer's time is linear in the length of a text: its patterns must be proven linear
 * (checkLinearPattern), and its tokens must have a bounded length. The reference implementation runs patterns on
 * Oniguruma, which backtracks: one text could block the service.
 * @param bytes a tokenizer.json; openTokenizer refuses any other content
 */
export const assertLinearTokenizer = (bytes: Uint8Array): void => {
  const content = tryParseJson(bytes);
  if (!isJsonObject(content)) return;
  const { normalizer, pre_tokenizer, model, added_tokens } = content;
  const unbounded = findUnboundedPart(normalizer) ?? findUnboundedPart(pre_tokenizer);
  if (unbounded !== undefined) throw new ModelUnreadable(`the tokenizer cannot be served: ${unbounded}`);
  for (const [part, value] of Object.entries({ normalizer, pre_tokenizer }))
    for (const { path, pattern } of findPatterns(value, part)) {
      const reason = checkLinearPattern(pattern);
      if (reason !== undefined)
        throw new ModelUnreadable(
          `the tokenizer's pattern ${JSON.stringify(pattern.slice(0, 200))} (${path}) is not proven to run in linear time: ${reason}. Write it as alternatives with at most one repetition each, at their end; docs/adding-a-model.md describes the accepted forms`,
        );
    }
  for (const { content: token } of AddedTokens.parse(added_tokens))
    if (token.length > maxTokenCharacters)
      throw new ModelUnreadable(
        `the tokenizer has an added token of more than ${maxTokenCharacters} characters`,
      );
  if (!isJsonObject(model)) return;
  const { vocab, max_input_chars_per_word: perWord } = model;
  if (
    perWord !== undefined &&
    perWord !== null &&
    !(typeof perWord === "number" && perWord <= maxWordCharacters)
  )
    throw new ModelUnreadable(
      `the tokenizer's max_input_chars_per_word is ${String(perWord).slice(0, 40)} (it must be a number of at most ${maxWordCharacters})`,
    );
  if (!Array.isArray(vocab)) return;
  for (const entry of vocab)
    if (Array.isArray(entry) && typeof entry[0] === "string" && entry[0].length > maxTokenCharacters)
      throw new ModelUnreadable(
        `the tokenizer's vocabulary has a token of more than ${maxTokenCharacters} characters`,
      );
};
