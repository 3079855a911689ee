import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openTokenizer } from "./open-tokenizer.ts";

const bytes = readFileSync(new URL("../../models/review-sentiment/tokenizer.json", import.meta.url));
const whole = new Tokenizer(JSON.parse(bytes.toString("utf8")), {});

test("the first tokens of any long text equal those of the complete text", () => {
  const maxTokens = 16;
  const tokenize = openTokenizer(bytes, maxTokens);
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
      const ids = whole.encode(text, { add_special_tokens: false }).ids.slice(0, maxTokens - 2);
      expect(tokenize(text).slice(1, -1)).toEqual(ids);
    }),
    { numRuns: 200 },
  );
});
