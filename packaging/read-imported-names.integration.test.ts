import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { readImportedNames } from "./read-imported-names.ts";

const cases = {
  'import { readFile as read, type Stats, stat } from "node:fs"; read(stat);': ["readFile", "stat"],
  'import fs, { stat } from "node:fs"; fs(stat);': ["default", "stat"],
  'import fs from "node:fs";\nimport { stat } from "node:fs"; fs(stat);': ["default", "stat"],
  'export { stat as status, readFile } from "node:fs";': ["readFile", "stat"],
  'import { type Stats } from "node:fs"; import { join } from "node:path"; join();': [],
  'import * as fs from "node:fs"; fs.stat();': undefined,
  'export * from "node:fs";': undefined,
  'const text = `\nimport { no } from "node:path";\n`;\nimport { stat } from "node:fs"; stat(text);': [
    "stat",
  ],
};
test.each(Object.entries(cases))("%s", async (source, expected) => {
  const folder = await createTemporaryFolder();
  onTestFinished(folder.remove);
  const file = join(folder.path, "module.ts");
  await writeFile(file, source);
  const names = await readImportedNames(file, "node:fs");
  expect(names && [...names].sort()).toEqual(expected);
});
