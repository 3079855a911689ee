import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

/** The rows of the document's tables of rules: what each says, and the tests that it says hold it. */
const readRules = async () => {
  const text = await readFile(join(root, "docs/threat-model.md"), "utf8");
  const rules = text.slice(text.indexOf("## Rules"), text.indexOf("## Not defended"));
  return rules
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| rule "))
    .map((line) => {
      const [rule = "", , ...held] = line.slice(2, -2).split(" | ");
      return { rule, heldBy: held.join(" | ") };
    });
};

/** `file`, "name", "name …", `file`, … → each name under the file before it. */
const parseTestNames = (heldBy: string) => {
  const found: { file: string; name: string }[] = [];
  let file = "";
  for (const [, path, name] of heldBy.matchAll(/`([\w./-]+\.test\.ts)`|"([^"]+)"/g)) {
    if (path) file = path;
    found.push({ file, name: name ?? "" });
  }
  return found;
};

/** The titles of a file's tests and of the groups that they stand in, as they are written. */
const readTestTitles = (text: string): string[] => {
  const called = /(?:\b(?:test|describe)(?:\.\w+)*|\))\(\s*(["`])((?:\\.|(?!\1).)*)\1/gs;
  return [...text.matchAll(called)].map(([, , title = ""]) => title.replace(/\\(.)/g, "$1"));
};

/** Whether a title is the one that the document names: "…" and what test.each fills in stand for anything. */
const matchesTitle = (title: string, name: string): boolean => {
  let at = 0;
  for (const part of name.split(/…|%s/)) {
    const words = part.trim().replace(/[,;]$/, "");
    const found = title.indexOf(words, at);
    if (found < 0) return false;
    at = found + words.length;
  }
  return true;
};

test("each rule of the threat model names a test that is there, by its own title", async () => {
  const rules = await readRules();
  expect(rules.length).toBeGreaterThan(40);
  const missing: string[] = [];
  for (const { rule, heldBy } of rules) {
    const tests = parseTestNames(heldBy);
    // A benchmark or a contract suite may hold a rule as well, but then the document says which command or file.
    if (tests.length === 0 && !/`npm run |test\/contracts\//.test(heldBy)) missing.push(`${rule}: no test`);
    for (const { file, name } of tests) {
      const text = await readFile(join(root, file), "utf8").catch(() => undefined);
      if (text === undefined) missing.push(`${rule}: there is no ${file}`);
      else if (name !== "" && !readTestTitles(text).some((title) => matchesTitle(title, name)))
        missing.push(`${rule}: ${file} has no test "${name}"`);
    }
  }
  expect(missing).toEqual([]);
});
