/**
 * Compares random tokenizers and texts with the reference implementation, Python's `tokenizers`:
 *   npm run fuzz:tokenizers                                         some 40,000 texts, of a seed that it prints
 *   npm run fuzz:tokenizers -- --seed 7 --tokenizers 100 --texts 10
 *   npm run fuzz:tokenizers -- --every-character                    all of Unicode through each normalizer and pre-tokenizer
 *   npm run fuzz:tokenizers -- --fast 1000000                       the fast ways of inference/text/fast with so many texts
 *   npm run fuzz:tokenizers -- --fast 1000000 --every-character     and with each character in several surroundings
 * The fast ways are compared with the reference implementation in WebAssembly. Everything else installs `tokenizers` into the cache of the peers (docs/peers.md) and needs Python 3.10 or newer with venv.
 */
import { parseArgs } from "node:util";
import { fuzzTokenizers } from "#test/peers/fuzz-tokenizers.ts";
import { fuzzFastTokenizers } from "#test/support/tokenizers/fuzz-fast-tokenizers.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
    tokenizers: { type: "string", default: "1000" },
    texts: { type: "string", default: "40" },
    "every-character": { type: "boolean", default: false },
    fast: { type: "string" },
  },
});
const options = {
  seed: Number(values.seed),
  tokenizers: Number(values.tokenizers),
  texts: Number(values.texts),
  everyCharacter: values["every-character"],
};
const compareFast = (texts: number): readonly string[] => {
  const { differences } = fuzzFastTokenizers({
    ...{ ...options, texts },
    onKind: ({ name, texts: count, left, differences }) =>
      console.log(
        `${name.padEnd(36)} ${count} texts, ${left} left to the reference, ${differences.length} different`,
      ),
  });
  return differences;
};
const compareAll = async (): Promise<readonly string[]> => {
  const { components, differences } = await fuzzTokenizers(options);
  for (const { name, texts, refused, different } of components)
    console.log(`${name.padEnd(36)} ${texts} texts, ${different} different, ${refused} refused by both`);
  return differences;
};
console.log(`seed ${values.seed}`);
const differences = values.fast === undefined ? await compareAll() : compareFast(Number(values.fast));
for (const line of differences.slice(0, 20)) console.log(line.slice(0, 2_000));
console.log(`seed ${values.seed}: ${differences.length} differences`);
if (differences.length > 0) process.exitCode = 1;
