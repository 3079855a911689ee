import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { compareTokens } from "#test/support/tokenizers/compare-tokens.ts";

// Recorded with make_cases.py (test/support/tokenizers/README.md): no Python is needed here.
const lines = gunzipSync(
  readFileSync(new URL("../../test/support/tokenizers/recorded-cases.jsonl.gz", import.meta.url)),
)
  .toString("utf8")
  .trim()
  .split("\n");

test("every component of tokenizer.json gives recorded texts the reference implementation's tokens", () => {
  const comparisons = lines.map(compareTokens);
  expect(comparisons.flatMap(({ differences }) => differences)).toEqual([]);
  const names = new Set(comparisons.map(({ name }) => name));
  expect([...names].sort()).toMatchInlineSnapshot(`
    [
      "added_tokens AddedToken",
      "model BPE",
      "model Unigram",
      "model WordLevel",
      "model WordPiece",
      "normalizer BertNormalizer",
      "normalizer ByteLevel",
      "normalizer Lowercase",
      "normalizer NFC",
      "normalizer NFD",
      "normalizer NFKC",
      "normalizer NFKD",
      "normalizer Nmt",
      "normalizer Precompiled",
      "normalizer Prepend",
      "normalizer Replace",
      "normalizer Sequence",
      "normalizer Strip",
      "normalizer StripAccents",
      "padding Padding",
      "post_processor BertProcessing",
      "post_processor ByteLevel",
      "post_processor RobertaProcessing",
      "post_processor Sequence",
      "post_processor TemplateProcessing",
      "pre_tokenizer BertPreTokenizer",
      "pre_tokenizer ByteLevel",
      "pre_tokenizer CharDelimiterSplit",
      "pre_tokenizer Digits",
      "pre_tokenizer FixedLength",
      "pre_tokenizer Metaspace",
      "pre_tokenizer Punctuation",
      "pre_tokenizer Sequence",
      "pre_tokenizer Split",
      "pre_tokenizer UnicodeScripts",
      "pre_tokenizer Whitespace",
      "pre_tokenizer WhitespaceSplit",
      "truncation Truncation",
    ]
  `);
  expect(comparisons.reduce((sum, { texts }) => sum + texts, 0)).toBeGreaterThan(400);
});
