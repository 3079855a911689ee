import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isPrivilegedPath } from "#domain/policy/privileged-paths.ts";

const root = new URL("..", import.meta.url).pathname;
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter(Boolean);
const owned = readFileSync(`${root}.github/CODEOWNERS`, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("/"))
  .map((line) => line.split(/\s+/)[0]?.slice(1) ?? "");

/** Files that neither a job nor a role runs: texts, pictures and what data scientists commit. */
const exemptPaths =
  /^(LICENSE|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|\.gitignore|\.gitattributes|\.editorconfig|\.nvmrc|docs|models|seed|bench)$/;

const isOwned = (path: string) =>
  owned.some((pattern) => (pattern.endsWith("/") ? path.startsWith(pattern) : path === pattern));

test("every tracked path at the root that runs with rights has an owner", () => {
  const tops = new Set(tracked.map((path) => path.split("/")[0] ?? ""));
  const missing = [...tops].filter(
    (top) => !exemptPaths.test(top) && !tracked.filter((path) => path.split("/")[0] === top).every(isOwned),
  );
  expect(missing).toEqual([]);
});

test("CODEOWNERS covers every path that the message warns about", () => {
  const uncovered = tracked.filter((path) => isPrivilegedPath(path) && !isOwned(path));
  expect(uncovered).toEqual([]);
});

test("every line of CODEOWNERS names a path that exists", () => {
  const unused = owned.filter(
    (pattern) =>
      !tracked.some((path) => (pattern.endsWith("/") ? path.startsWith(pattern) : path === pattern)),
  );
  expect(unused).toEqual([]);
});
