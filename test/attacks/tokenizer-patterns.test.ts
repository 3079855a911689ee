import { expect, test } from "vitest";
import { assertLinearTokenizer } from "#inference/text/assert-linear-tokenizer.ts";
import { openTokenizer } from "#inference/text/open-tokenizer.ts";
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
  [
    "a replacement that makes a text a thousand times longer",
    { normalizer: { type: "Replace", pattern: { String: "a" }, content: "b".repeat(1_000) } },
  ],
  ["pieces of no length", { pre_tokenizer: { type: "FixedLength", length: 0 } }],
  ["a token of a million letters", { model: { type: "Unigram", unk_id: 0, vocab: [["a".repeat(1e6), -1]] } }],
  ["an added token of a million letters", { added_tokens: [{ id: 9, content: "a".repeat(1e6) }] }],
];

test.each(attacks)("a tokenizer's time grows linearly with the text: %s is refused by name", (_, changes) => {
  expect(() => assertLinearTokenizer(buildTokenizer(changes))).toThrow(
    expect.objectContaining({ name: "ModelUnreadable" }),
  );
});

test("a text on which the tokenizer panics is refused, and ends neither the process nor the next text", () => {
  // The table refers to entries that it does not have.
  const charsmap = Buffer.from([8, 0, 0, 0, ...Array<number>(8).fill(255), 65, 0]).toString("base64");
  const { encode } = openTokenizer(
    buildTokenizer({ normalizer: { type: "Precompiled", precompiled_charsmap: charsmap } }),
    8,
  );
  for (let times = 0; times < 3; times++) {
    expect(() => encode("good")).toThrow(expect.objectContaining({ name: "TextRefused" }));
    expect([...encode("").ids]).toEqual([1, 2]);
  }
});

test("a tokenizer that splits by words is accepted", () => {
  expect(() => assertLinearTokenizer(buildTokenizer({}))).not.toThrow();
});
