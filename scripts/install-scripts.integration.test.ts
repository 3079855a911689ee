import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(`${root}${path}`, "utf8"));

/**
 * onnxruntime-node's install script downloads GPU libraries that Slipway does not use. A new npm (11.19) skips it
 * because `allowScripts` says so; an older npm runs what the lock file marks with `hasInstallScript`, and nothing else.
 * After an update of the package: delete that line of its entry in package-lock.json.
 */
test("npm runs no install script of onnxruntime-node, with any version of npm", () => {
  expect(readJson("package.json").allowScripts["onnxruntime-node"]).toBe(false);
  expect(readJson("package-lock.json").packages["node_modules/onnxruntime-node"]).not.toHaveProperty(
    "hasInstallScript",
  );
});

test("each package that has an install script is allowed or denied by name", () => {
  const { allowScripts } = readJson("package.json");
  const packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }> =
    readJson("package-lock.json").packages;
  const undecided = Object.entries(packages).filter(
    ([path, { hasInstallScript, optional }]) =>
      hasInstallScript && !optional && !(path.replace(/^.*node_modules\//, "") in allowScripts),
  );
  expect(undecided).toEqual([]);
});

test("npm warns of no setting of .npmrc", () => {
  const settings = [`--userconfig=${root}no-user.npmrc`, `--globalconfig=${root}no-global.npmrc`];
  const { stdout, stderr } = spawnSync("npm", ["config", "ls", ...settings], { cwd: root, encoding: "utf8" });
  expect(stdout).toContain(`${root}.npmrc`);
  expect(stderr).toBe("");
});
