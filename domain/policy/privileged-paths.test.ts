import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { privileged } from "./privileged-paths.ts";

const root = new URL("../..", import.meta.url).pathname;
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter(Boolean);

test.each(privileged.flatMap(({ paths }) => paths))("%s, which the warning looks for, exists", (path) => {
  expect(tracked.some((file) => (path.endsWith("/") ? file.startsWith(path) : file === path))).toBe(true);
});
