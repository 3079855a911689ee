import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommand } from "#test/support/run-command.ts";

const readJson = (path: string) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
const { version } = readJson("package.json");

test("slipway --version prints the version of package.json", async () => {
  expect(await runCommand(["--version"], {})).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test("both packages, their lock files and the changelog name the same version", () => {
  for (const folder of ["", "terraform/"]) {
    expect(readJson(`${folder}package.json`).version).toBe(version);
    const lock = readJson(`${folder}package-lock.json`);
    expect([lock.version, lock.packages[""].version]).toEqual([version, version]);
  }
  const changelog = readFileSync(new URL("../CHANGELOG.md", import.meta.url), "utf8");
  expect(changelog.match(/^## \[(\d[^\]]*)\]/m)?.[1]).toBe(version);
});
