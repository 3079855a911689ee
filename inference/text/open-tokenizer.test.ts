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
