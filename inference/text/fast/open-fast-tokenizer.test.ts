import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { compareFastTokens } from "#test/support/tokenizers/compare-fast-tokens.ts";
import { createCharacterTexts } from "#test/support/tokenizers/create-character-texts.ts";
import { createTexts } from "#test/support/tokenizers/create-texts.ts";
import {
  createBertTokenizer,
  createByteLevelTokenizer,
  fastTokenizers,
  type TokenizerContent,
} from "#test/support/tokenizers/fast-tokenizers.ts";
import { fuzzFastTokenizers } from "#test/support/tokenizers/fuzz-fast-tokenizers.ts";
import { openFastTokenizer } from "./open-fast-tokenizer.ts";

const options = { maxTokens: 64, direction: "Right", isPair: false } as const;
const bert = createBertTokenizer();
const byteLevel = createByteLevelTokenizer();

// Complete: `npm run fuzz:tokenizers -- --fast 1000000 --every-character`.
test("random texts of all planes, and pairs, have the reference implementation's tokens", () => {
  const { kinds, differences } = fuzzFastTokenizers({ seed: 20261130, texts: 4_000 });
  expect(differences).toEqual([]);
  for (const name of Object.keys(fastTokenizers)) {
    const ofName = kinds.filter((kind) => kind.name === name);
    const encoded = ofName.reduce((sum, { texts, left }) => sum + texts - left, 0);
    // Composition needs the reference for all but Latin.
    expect([name, encoded > (name.includes("composed") ? 5 : 200)]).toEqual([name, true]);
  }
});

describe("characters of the basic plane have the reference implementation's tokens", () => {
  test.for([
    ["BERT, uncased", createBertTokenizer({}, { characters: 0x1_0000 })],
    ["byte-level BPE", byteLevel],
  ] as const)("%s", ([, content]) => {
    const { differences, texts, left } = compareFastTokens(content, createCharacterTexts(0, 0xffff, 5));
    expect(differences).toEqual([]);
    expect(left / texts).toBeLessThan(0.02);
  });
});

test("characters of the other planes have the reference implementation's tokens", () => {
  for (const [name, content] of Object.entries(fastTokenizers)) {
    const { differences } = compareFastTokens(content, createCharacterTexts(0x1_0000, 0x10_ffff, 401));
    expect([name, differences]).toEqual([name, []]);
  }
});

test("what a random text hardly ever has gets the reference implementation's tokens", () => {
  const texts = [
    " the film",
    "  the film ",
    "they're we've I'm don't he'd it's we'll",
    "a zzz zzz",
    // Two marks that stay where accents are stripped, in the order that decomposition changes.
    "a\u302e\u1b44b",
  ];
  for (const [name, content] of Object.entries(fastTokenizers))
    expect([name, compareFastTokens(content, texts).differences]).toEqual([name, []]);
});

test("a word whose tokens are known keeps them after a hundred thousand others", () => {
  const { encode } = openFastTokenizer(bert, options) ?? {};
  const before = encode?.("unbelievable Films")?.ids;
  for (let word = 0; word < 100_000; word++) encode?.(`Word${word}`);
  expect(encode?.("unbelievable Films")?.ids).toEqual(before);
  expect(before?.length).toBeGreaterThan(4);
});

test("texts with added tokens are left to the reference implementation", () => {
  const { encode } = openFastTokenizer(bert, options) ?? {};
  expect(encode?.("film [SEP] film")).toBeUndefined();
  expect(encode?.("film [sep] film")).toBeDefined();
});

test("the model of the repository has the fast way, and its texts have the reference implementation's tokens", () => {
  const folder = new URL("../../../models/review-sentiment/", import.meta.url);
  const content: TokenizerContent = JSON.parse(readFileSync(new URL("tokenizer.json", folder), "utf8"));
  const lines = readFileSync(new URL("holdout.csv", folder), "utf8").split("\n");
  const random = [...createTexts(createSeededRandom(7), 500)];
  const { differences, left } = compareFastTokens(content, [...lines, ...random], { maxTokens: 32 });
  expect(differences).toEqual([]);
  expect(left).toBeLessThan(100);
});

/** The paths of a file's values, without most of its vocabulary and merges. */
const listPaths = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] => {
  if (typeof value !== "object" || value === null) return [path];
  const entries = Object.entries(value).slice(0, 12);
  return [path, ...entries.flatMap(([key, item]) => listPaths(item, [...path, key]))];
};
const replaceValue = (value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown => {
  if (key === undefined) return replacement;
  const item = replaceValue(Object(value)[key], rest, replacement);
  return Array.isArray(value)
    ? value.map((each, at) => (String(at) === key ? item : each))
    : { ...Object(value), [key]: item };
};

test("a file that has the fast way opens in the reference implementation, with the same tokens", () => {
  const files = [
    createBertTokenizer({}, { characters: 0x80 }),
    createBertTokenizer(
      {},
      { characters: 0x80, postProcessor: { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] } },
    ),
    byteLevel,
    createByteLevelTokenizer({ legacyMerges: true, roberta: false, normalizer: { type: "NFC" } }),
  ];
  const changes = files.flatMap((file) => listPaths(file).map((path) => [file, path] as const));
  const replacements = [
    undefined,
    null,
    true,
    false,
    0,
    1,
    7,
    -1,
    1.5,
    2 ** 32,
    "",
    "x",
    "[UNK]",
    "a b",
    [],
    {},
  ];
  const texts = ["", "The film isn't  bad", "x[UNK] a1b2 !?\n", "Überé 한국 \0ab", "a".repeat(120)];
  let opened = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...changes),
      fc.constantFrom(...replacements),
      ([file, path], replacement) => {
        // As in a file: without what JSON does not have.
        const content: TokenizerContent = JSON.parse(
          JSON.stringify(replaceValue(file, path, replacement) ?? {}),
        );
        if (!openFastTokenizer(content, options)) return;
        opened++;
        expect(compareFastTokens(content, texts).differences).toEqual([]);
      },
    ),
    { numRuns: 300, seed: 20261130 },
  );
  expect(opened).toBeGreaterThan(15);
});

describe("a file with something unknown has no fast way", () => {
  const withModel = (content: TokenizerContent, change: object): TokenizerContent => ({
    ...content,
    model: { ...Object(content.model), ...change },
  });
  const token = { id: 9, single_word: false, lstrip: false, rstrip: false, special: false };
  test.for<[string, TokenizerContent]>([
    ["another normalizer", { ...bert, normalizer: { type: "Lowercase" } }],
    ["a normalizer's unknown setting", { ...bert, normalizer: { ...Object(bert.normalizer), more: 1 } }],
    ["another pre-tokenizer", { ...bert, pre_tokenizer: { type: "Whitespace" } }],
    [
      "a pattern of its own",
      { ...byteLevel, pre_tokenizer: { ...Object(byteLevel.pre_tokenizer), use_regex: false } },
    ],
    ["an unknown version", { ...bert, version: "2.0" }],
    ["an unknown decoder", { ...bert, decoder: { type: "CTC" } }],
    ["no unknown token", withModel(bert, { unk_token: "[NONE]" })],
    ["a limit that is not a number", withModel(bert, { max_input_chars_per_word: "100" })],
    ["an id twice", withModel(bert, { vocab: { "[UNK]": 0, a: 1, b: 1 } })],
    ["an id that is not an integer", withModel(bert, { vocab: { "[UNK]": 0, a: 1.5 } })],
    ["half of a surrogate pair", withModel(bert, { vocab: { "[UNK]": 0, "\ud83e": 1 } })],
    ["a byte without a token", withModel(byteLevel, { vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]] })],
    ["a merge without a token", withModel(byteLevel, { merges: [["q", "z"]] })],
    ["merges of two forms", withModel(byteLevel, { merges: [["a", "b"], "a b"] })],
    ["a prefix inside of words", withModel(byteLevel, { continuing_subword_prefix: "##" })],
    ["dropout", withModel(byteLevel, { dropout: 0.1 })],
    [
      "a normalized added token",
      { ...bert, added_tokens: [{ ...token, content: "film", normalized: true }] },
    ],
    ["an empty added token", { ...bert, added_tokens: [{ ...token, content: "", normalized: false }] }],
    ["another post-processor", { ...bert, post_processor: { type: "Sequence", processors: [] } }],
    [
      "a template without the text",
      {
        ...bert,
        post_processor: {
          ...Object(bert.post_processor),
          single: [{ SpecialToken: { id: "[CLS]", type_id: 0 } }],
        },
      },
    ],
    [
      "a template with an unknown token",
      { ...bert, post_processor: { ...Object(bert.post_processor), special_tokens: {} } },
    ],
  ])("%s", ([, content]) => {
    expect(openFastTokenizer(content, options)).toBeUndefined();
  });
  test("but the same files without it have one", () => {
    expect(openFastTokenizer(bert, options)).toBeDefined();
    expect(openFastTokenizer(byteLevel, options)).toBeDefined();
  });
});
