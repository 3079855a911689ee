/**
 * Compares random tokenizers and texts with the reference implementation, Python's `tokenizers`:
 *   npm run fuzz:tokenizers                                         some 40,000 texts, of a seed that it prints
 *   npm run fuzz:tokenizers -- --seed 7 --tokenizers 100 --texts 10
 * It installs `tokenizers` into the cache of the peers (docs/peers.md) and needs Python 3.10 or newer with venv.
 */
import { parseArgs } from "node:util";
import { fuzzTokenizers } from "#test/peers/fuzz-tokenizers.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
    tokenizers: { type: "string", default: "1000" },
    texts: { type: "string", default: "40" },
  },
});
const options = {
  seed: Number(values.seed),
  tokenizers: Number(values.tokenizers),
  texts: Number(values.texts),
};
const { components, differences } = await fuzzTokenizers(options);
for (const { name, texts, refused, different } of components)
  console.log(`${name.padEnd(36)} ${texts} texts, ${different} different, ${refused} refused by both`);
for (const line of differences.slice(0, 20)) console.log(line.slice(0, 2_000));
console.log(`seed ${values.seed}: ${differences.length} differences`);
if (differences.length > 0) process.exitCode = 1;
