import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const listMarkdown = (folder: string) =>
  readdirSync(join(root, folder)).flatMap((name) => (name.endsWith(".md") ? [posix.join(folder, name)] : []));

/** Targets of links to files, by their path from the repository's root. */
const readLinks = (document: string, text: string): readonly string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
    const [path = ""] = target.split("#");
    return path === "" || /^[a-z]+:/.test(path) ? [] : [posix.join(posix.dirname(document), path)];
  });

const sourceFolders = new Set(
  readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() && !/^(\.|node_modules$|dist$|models$)/.test(entry.name) ? [entry.name] : [],
  ),
);

/** Paths in backticks that name a file or folder of the repository, without patterns and files that a command writes. */
const readPaths = (text: string): readonly string[] =>
  [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)].flatMap(([, path = ""]) =>
    path.includes("/") && sourceFolders.has(path.split("/")[0] ?? "") ? [path] : [],
  );

test.each([...listMarkdown("."), ...listMarkdown("docs")])(
  "every file that %s links to or names exists",
  (document) => {
    const text = readFileSync(join(root, document), "utf8");
    const paths = [...readLinks(document, text), ...readPaths(text)];
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  },
);
