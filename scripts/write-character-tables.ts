/**
 * Writes inference/text/fast/character-tables.json: what the reference implementation of tokenizer.json does with each
 * character of Unicode. `npm run build:character-tables`, after a new version of the reference (docs/decisions/56-…).
 */
import { writeFileSync } from "node:fs";
import { readCharacterTables } from "#test/support/tokenizers/read-character-tables.ts";

const file = new URL("../inference/text/fast/character-tables.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(readCharacterTables(), null, 2)}\n`);
