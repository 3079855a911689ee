import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const rules = ["no-timed-tests.grit", "no-getters-in-literals.grit"].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);
const biome = fileURLToPath(new URL("../../node_modules/.bin/biome", import.meta.url));
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  const config = { plugins: rules, linter: { rules: { preset: "none" } } };
  await writeFile(join(folder.path, "biome.json"), JSON.stringify(config));
});
afterAll(() => folder?.remove());

const lint = async (line: string): Promise<string> => {
  await writeFile(join(folder.path, "a.test.ts"), `${line}\n`);
  const { stdout, stderr } = spawnSync(biome, ["lint", "a.test.ts"], { cwd: folder.path, encoding: "utf8" });
  return `${stdout}${stderr}`;
};

test.each([
  "const took = Date.now() - began;",
  "const took = end.getTime() - began.getTime();",
  "if (Date.now() - began > 80) throw new Error();",
  "expect(Date.now()).toBeLessThan(end);",
  "expect(performance.now() - began).toBeLessThan(80);",
  "const { now } = performance;",
  "const took = process.uptime() - began;",
  "const [, nanoseconds] = process.hrtime();",
])("a comparison of times is an error: %s", async (line) => {
  expect(await lint(line)).toContain("A test must not compare times.");
});

test.each([
  "const yesterday = Date.now() - 86_400_000;",
  "while (Date.now() < deadline) await turn();",
  "const clock = Date.now;",
])("other uses of the time are allowed: %s", async (line) => {
  expect(await lint(line)).not.toContain("A test must not compare times.");
});

const outlives = "An object literal with a getter outlives its request";

test("a getter of an object literal is an error", async () => {
  expect(await lint("const request = { get rows() { return rows; } };")).toContain(outlives);
});

test.each([
  "class Request { get rows() { return rows; } }",
  "const request = { rows: () => rows };",
  "const request = { get: () => rows };",
])("a class's getter and a function are allowed: %s", async (line) => {
  expect(await lint(line)).not.toContain(outlives);
});
