import * as z from "zod";
import { openTokenizer } from "#inference/text/open-tokenizer.ts";
import { TextRefused } from "#inference/text/text-refused.ts";
import { createTokenizerEngine, type TokenizerEngine } from "#inference/text/tokenizer-engine.ts";

const Numbers = z.array(z.int());
const Expected = z.union([
  z.strictObject({ error: z.string() }),
  z.strictObject({
    ids: Numbers,
    types: Numbers,
    mask: Numbers,
    offsets: z.array(z.tuple([z.int(), z.int()])),
  }),
]);
type Expected = z.infer<typeof Expected>;

/** A line of make_cases.py: a tokenizer, texts, and the reference implementation's tokens of them. */
const Case = z.union([
  z.strictObject({ name: z.string(), tokenizer: z.json(), texts: z.array(z.string()), refused: z.string() }),
  z.strictObject({
    name: z.string(),
    tokenizer: z.looseObject({ truncation: z.looseObject({ max_length: z.int() }).nullable() }),
    texts: z.array(z.string()),
    expected: z.array(Expected),
  }),
]);

export type TokenComparison = {
  /** The component that the tokenizer is about. */
  readonly name: string;
  readonly texts: number;
  /** Texts that the reference implementation refuses, and so must ours. */
  readonly refused: number;
  /** One line for each text with other tokens. */
  readonly differences: readonly string[];
};

const encode = (engine: TokenizerEngine, text: string): unknown => {
  const { ids, typeIds, attentionMask, offsets } = engine.encodeWithOffsets(text);
  return {
    ids: [...ids],
    types: [...typeIds],
    mask: [...attentionMask],
    offsets: Array.from(ids, (_, at) => [offsets[2 * at], offsets[2 * at + 1]]),
  };
};

const tryEncode = (encodeText: () => unknown): unknown => {
  try {
    return encodeText();
  } catch (error) {
    if (error instanceof TextRefused) return undefined;
    throw error;
  }
};

/** The ids without padding, which serving adds for each run. */
const dropPadding = (expected: Expected): readonly number[] | undefined =>
  "error" in expected ? undefined : expected.ids.filter((_, at) => expected.mask[at] === 1);

/**
 * Compares each text's tokens with the reference implementation's: ids, type ids, padding and offsets of the file as it is,
 * and the ids that serving uses.
 * @param line of make_cases.py
 */
export const compareTokens = (line: string): TokenComparison => {
  const each = Case.parse(JSON.parse(line));
  const { name, texts, tokenizer } = each;
  const json = JSON.stringify(tokenizer);
  if ("refused" in each) {
    const opened = tryOpen(json);
    const differences = opened ? [`${name}: opened, but the reference refuses it: ${each.refused}`] : [];
    return { name, texts: 0, refused: 0, differences };
  }
  const engine = createTokenizerEngine(json);
  const served = openTokenizer(Buffer.from(json), each.tokenizer.truncation?.max_length ?? 8_192);
  const differences = texts.flatMap((text, at) => {
    const expected = each.expected[at];
    if (!expected) return [`${name}: no tokens of ${JSON.stringify(text)}`];
    const whole = JSON.stringify("error" in expected ? undefined : expected);
    const actual = JSON.stringify(tryEncode(() => encode(engine, text)));
    const ids = JSON.stringify(dropPadding(expected));
    const servedIds = JSON.stringify(tryEncode(() => [...served.encode(text).ids]));
    return actual === whole && servedIds === ids
      ? []
      : [`${name}: ${JSON.stringify(text)} is ${actual}, served as ${servedIds}; the reference has ${whole}`];
  });
  return {
    name,
    texts: texts.length,
    refused: each.expected.filter((expected) => "error" in expected).length,
    differences,
  };
};

const tryOpen = (json: string): boolean => {
  try {
    createTokenizerEngine(json);
    return true;
  } catch {
    return false;
  }
};
