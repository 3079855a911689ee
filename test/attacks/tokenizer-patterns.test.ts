import { expect, test } from "vitest";
import { assertLinearTokenizer } from "#inference/text/assert-linear-tokenizer.ts";
import { tinyTokenizer } from "#test/support/onnx/tiny-tokenizer.ts";

const buildTokenizer = (changes: object): Uint8Array =>
  Buffer.from(JSON.stringify({ ...JSON.parse(tinyTokenizer.toString("utf8")), ...changes }));
const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
const replace = (Regex: string) => ({ type: "Replace", pattern: { Regex }, content: " " });

/** Slow patterns that trials do not find, for each place where the library runs a pattern. */
const attacks: readonly [string, object][] = [
  ["a split by nested repetitions", { pre_tokenizer: split("(x+x+)+y") }],
  ["a split by overlapping alternatives", { pre_tokenizer: split("(?:ж|жж)*b") }],
  ["a split with a look-ahead behind nested repetitions", { pre_tokenizer: split("(?:[q-z]+)+(?!\\S)") }],
  ["a split that is quadratic", { pre_tokenizer: split("ю+z") }],
  ["a normalizer", { normalizer: replace("(?:w+)+$") }],
  [
    "a normalizer within a list",
    { normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, replace("(k|kk)*b")] } },
  ],
  [
    "a pre-tokenizer within lists",
    {
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [{ type: "Sequence", pretokenizers: [split("(u+u+)+v")] }],
      },
    },
  ],
  [
    "words of a million letters",
    { model: { ...JSON.parse(tinyTokenizer.toString("utf8")).model, max_input_chars_per_word: 1e6 } },
  ],
  [
    "words without a limit",
    { model: { ...JSON.parse(tinyTokenizer.toString("utf8")).model, max_input_chars_per_word: "1000000" } },
  ],
  ["a token of a million letters", { model: { type: "Unigram", unk_id: 0, vocab: [["a".repeat(1e6), -1]] } }],
  ["an added token of a million letters", { added_tokens: [{ id: 9, content: "a".repeat(1e6) }] }],
];

test.each(attacks)("a tokenizer's time grows linearly with the text: %s is refused by name", (_, changes) => {
  expect(() => assertLinearTokenizer(buildTokenizer(changes))).toThrow(
    expect.objectContaining({ name: "ModelUnreadable" }),
  );
});

test("a tokenizer that splits by words is accepted", () => {
  expect(() => assertLinearTokenizer(buildTokenizer({}))).not.toThrow();
});
