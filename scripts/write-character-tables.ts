/**
 * Writes inference/text/fast/character-tables.json: what the reference implementation of tokenizer.json does with each
 * character of Unicode. `npm run build:character-tables` after a new version of the reference; `-- --check` compares only.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readCharacterTables } from "#test/support/tokenizers/read-character-tables.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const file = new URL("../inference/text/fast/character-tables.json", import.meta.url);
const content = `${JSON.stringify(readCharacterTables(), null, 2)}\n`;
if (!values.check) writeFileSync(file, content);
else if (readFileSync(file, "utf8") === content)
  console.log("character-tables.json is what the reference gives");
else {
  console.error("character-tables.json is not what the reference gives: run npm run build:character-tables");
  process.exitCode = 1;
}
