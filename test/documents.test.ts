import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const list = (...patterns: readonly string[]) =>
  execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", ...patterns], {
    cwd: root,
    encoding: "utf8",
  })
    .split("\0")
    .filter(Boolean);
const documents = list("*.md");
const folders = new Set(list().map((path) => path.split("/")[0] ?? ""));

/** What a document names of the repository: its links, and files in backticks that begin with a folder of the root. */
const findReferences = (document: string, text: string): readonly string[] => [
  ...[...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target = ""]) =>
    join(dirname(document), target),
  ),
  ...[...text.matchAll(/`([\w.-]+\/[\w./-]+\.(?:ts|mjs|yml|yaml|json|md))`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => folders.has(path.split("/")[0] ?? "")),
];

test("every file that a document names is in the repository", () => {
  const missing = documents.flatMap((document) =>
    findReferences(document, readFileSync(join(root, document), "utf8"))
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${document}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test("a link and a path that lead nowhere are found", () => {
  const text =
    "[a](b.md), [c](../README.md#start), `domain/nothing.ts`, `x/y.ts`, [d](https://example.org/e.md)";
  expect(findReferences("docs/a.md", text)).toEqual(["docs/b.md", "README.md", "domain/nothing.ts"]);
});
