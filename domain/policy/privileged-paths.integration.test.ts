import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { isRuntimePath } from "#domain/approval/runtime-paths.ts";
import { groupPrivilegedChanges, isPrivilegedPath, privilegedPaths } from "./privileged-paths.ts";

const root = new URL("../..", import.meta.url).pathname;
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter(Boolean);

test.each(privilegedPaths.flatMap(({ paths }) => paths))("the privileged path %s exists", (path) => {
  expect(tracked.some((file) => (path.endsWith("/") ? file.startsWith(path) : file === path))).toBe(true);
});

test("every file of the runtime is privileged, as the runtime or as dependencies", () => {
  const runtime = tracked.filter(isRuntimePath);
  expect(runtime).toEqual(expect.arrayContaining(["tsconfig.json", "untrusted/get-own-property.ts"]));
  expect(runtime.filter((path) => !isPrivilegedPath(path))).toEqual([]);
  const kinds = groupPrivilegedChanges(new Set(), runtime).map(({ kind }) => kind);
  expect(kinds).toEqual(["the runtime", "dependencies"]);
});

test.each(["test/support/memory-world.ts", "test/attacks/approval-message.test.ts", "vitest.config.ts"])(
  "%s is privileged: CI runs it, and privileged scripts import it",
  (path) => {
    expect(groupPrivilegedChanges(new Set(), [path])).toEqual([{ kind: "the tests", paths: [path] }]);
  },
);
