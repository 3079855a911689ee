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

/** What no job and no role runs: texts, what data scientists commit, and pictures. */
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

test("what the message warns of is what CODEOWNERS covers", () => {
  const uncovered = tracked.filter((path) => isPrivilegedPath(path) && !isOwned(path));
  expect(uncovered).toEqual([]);
});

test("an owner owns something: no line names a path that is not there", () => {
  const unused = owned.filter(
    (pattern) =>
      !tracked.some((path) => (pattern.endsWith("/") ? path.startsWith(pattern) : path === pattern)),
  );
  expect(unused).toEqual([]);
});
