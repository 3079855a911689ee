import * as z from "zod";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { checkLinearPattern } from "./check-linear-pattern.ts";

/** A vocabulary's token, or an added one: beyond that no token of a language is. */
const maxTokenCharacters = 1_024;
/** WordPiece tries each part of a word from each of its places: this bounds what a word costs. */
const maxWordCharacters = 1_000;
const maxParts = 100_000;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Regular expressions anywhere in these parts of the file, with the path to each: normalizers and pre-tokenizers nest. */
const findPatterns = (
  value: unknown,
  path: string,
): { readonly path: string; readonly pattern: string }[] => {
  const found: { path: string; pattern: string }[] = [];
  const waiting: { value: unknown; path: string }[] = [{ value, path }];
  for (let at = 0; at < waiting.length; at++) {
    const next = waiting[at];
    if (!next) break;
    if (waiting.length > maxParts)
      throw new ModelUnreadable(`the tokenizer's ${path} has more than ${maxParts} parts`);
    const { value, path: here } = next;
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) waiting.push({ value: item, path: `${here}[${index}]` });
    if (!isObject(value)) continue;
    for (const [key, item] of Object.entries(value)) {
      if (key === "Regex" && item !== undefined && item !== null)
        found.push({ path: here, pattern: String(item) });
      else if (typeof item === "object") waiting.push({ value: item, path: `${here}.${key}` });
    }
  }
  return found;
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
 * Throws ModelUnreadable unless each text takes this tokenizer a time that grows with its length alone: its patterns
 * are proven linear (checkLinearPattern), and what else is looked for at each place of a text is of bounded length. The
 * library runs patterns on JavaScript's engine, where one that backtracks would hold the service, whoever sends the text
 * for it.
 * @param bytes a tokenizer.json; what is none is openTokenizer's to refuse
 */
export const assertLinearTokenizer = (bytes: Uint8Array): void => {
  const content = tryParseJson(bytes);
  if (!isObject(content)) return;
  const { normalizer, pre_tokenizer, model, added_tokens } = content;
  for (const [part, value] of Object.entries({ normalizer, pre_tokenizer }))
    for (const { path, pattern } of findPatterns(value, part)) {
      const why = checkLinearPattern(pattern);
      if (why !== undefined)
        throw new ModelUnreadable(
          `the tokenizer's pattern ${JSON.stringify(pattern.slice(0, 200))} (${path}) is not proven to run in linear time: ${why}. Write it as alternatives that each hold one repetition, at their end; docs/adding-a-model.md says which forms there are`,
        );
    }
  for (const { content: token } of AddedTokens.parse(added_tokens))
    if (token.length > maxTokenCharacters)
      throw new ModelUnreadable(
        `the tokenizer has an added token of more than ${maxTokenCharacters} characters`,
      );
  if (!isObject(model)) return;
  const { vocab, max_input_chars_per_word: perWord } = model;
  if (
    perWord !== undefined &&
    perWord !== null &&
    !(typeof perWord === "number" && perWord <= maxWordCharacters)
  )
    throw new ModelUnreadable(
      `the tokenizer's max_input_chars_per_word is ${String(perWord).slice(0, 40)} (a number of at most ${maxWordCharacters}): longer words are no words`,
    );
  if (!Array.isArray(vocab)) return;
  for (const entry of vocab)
    if (Array.isArray(entry) && typeof entry[0] === "string" && entry[0].length > maxTokenCharacters)
      throw new ModelUnreadable(
        `the tokenizer's vocabulary has a token of more than ${maxTokenCharacters} characters`,
      );
};
