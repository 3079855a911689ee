import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openTokenizer } from "./open-tokenizer.ts";
import { createTokenizerEngine } from "./tokenizer-engine.ts";

const bytes = readFileSync(new URL("../../models/review-sentiment/tokenizer.json", import.meta.url));
const whole = createTokenizerEngine(bytes.toString("utf8"));

test("the first tokens of any long text equal those of the complete text", () => {
  const maxTokens = 16;
  const { encode } = openTokenizer(bytes, maxTokens);
  const piece = fc.oneof(
    fc.constantFrom(
      " ",
      "  ",
      "\n",
      "!",
      "unbelievable",
      "good",
      "é",
      "e\u0301",
      "漢字",
      "🦆",
      "a".repeat(90),
      "x".repeat(400),
      " ".repeat(300),
    ),
    fc.string({ unit: "grapheme", maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 300 }), (pieces) => {
      const text = pieces.join("");
      expect(encode(text).ids.slice(1, -1)).toEqual(
        whole
          .encode(text)
          .ids.slice(1, -1)
          .slice(0, maxTokens - 2),
      );
    }),
    { numRuns: 200 },
  );
});

test("a long text is not cut inside a word: a word above the model's limit is one unknown token", () => {
  const text = `${"a".repeat(180)}漢字${"x".repeat(400)}`;
  expect(openTokenizer(bytes, 16).encode(text).ids).toEqual(whole.encode(text).ids);
});

test("without a pre-tokenizer the complete text is one word, of which no part is encoded", () => {
  const content = JSON.stringify({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 200,
      vocab: { "[UNK]": 0, a: 1, "##a": 2, "## ": 3 },
    },
  });
  const text = "aa ".repeat(220);
  const { ids } = openTokenizer(Buffer.from(content), 8).encode(text);
  expect([...ids]).toEqual([0]);
  expect(ids).toEqual(createTokenizerEngine(content).encode(text).ids);
});

const readCase = (name: string): Buffer =>
  readFileSync(new URL(`../../test/support/tokenizers/cases/${name}.json`, import.meta.url));

test("non-ASCII words stay whole, and each punctuation mark is split off, as in Python", () => {
  const words = createTokenizerEngine(readCase("quicktour-bpe-whitespace").toString("utf8"));
  const pieces = (engine: typeof words, text: string) => {
    const { offsets, ids } = engine.encodeWithOffsets(text);
    return Array.from(ids, (_, at) => [...text].slice(offsets[2 * at], offsets[2 * at + 1]).join(""));
  };
  // Words of other tokens: a split inside a word would show as a piece that crosses no merge.
  expect(pieces(words, "Grüße").join("")).toBe("Grüße");
  const marks = createTokenizerEngine(readCase("digits-punctuation").toString("utf8"));
  expect(pieces(marks, "://")).toEqual([":", "/", "/"]);
});
