import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { secretsContract } from "#test/contracts/secrets.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { environmentSecrets } from "./environment.ts";
import { SecretMissing } from "./secrets.ts";

secretsContract("environment", async () => ({
  secrets: environmentSecrets({ env: { SLACK_BOT_TOKEN: "xoxb-contract", EMPTY_SECRET: "" } }),
  close: async () => undefined,
}));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, "made", "secrets.env");
});
afterEach(() => folder.remove());
const name = "SLACK_SIGNING_SECRET";
const generate = [name, "SLACK_BOT_TOKEN"];
const reader = (env: Record<string, string> = {}) => environmentSecrets({ env, file: { path, generate } });

test("the environment comes before the file", async () => {
  await reader().read(name);
  expect(await reader({ [name]: "mine" }).read(name)).toBe("mine");
});

test("a generated secret is 64 hex digits, for its owner alone, and stays the same", async () => {
  const first = await reader().read(name);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await reader().read(name)).toBe(first);
  expect(await reader().read("SLACK_BOT_TOKEN")).not.toBe(first);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("readers that generate a secret at once all get the same one", async () => {
  const values = await Promise.all(Array.from({ length: 20 }, () => reader().read(name)));
  expect(new Set(values).size).toBe(1);
});

test("a variable that is set but blank is refused and nothing is generated for it", async () => {
  for (const blank of ["", "  "])
    await expect(reader({ [name]: blank }).read(name)).rejects.toThrow(SecretMissing);
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("what is not on the list is not generated", async () => {
  await expect(reader().read("OTHER")).rejects.toThrow(/OTHER is not set/);
});

test("a line that a person wrote counts, also as the last one without a newline", async () => {
  await reader().read(name);
  await writeFile(path, `# mine\nSLACK_BOT_TOKEN=xoxb-1-2`);
  expect(await reader().read("SLACK_BOT_TOKEN")).toBe("xoxb-1-2");
  const made = await reader().read(name);
  expect(await reader().read("SLACK_BOT_TOKEN")).toBe("xoxb-1-2");
  expect(await readFile(path, "utf8")).toContain(made);
});

test("a generated line that was cut short is never taken for a secret", async () => {
  await reader().read("SLACK_BOT_TOKEN");
  for (const cut of [`${name}="ab`, `${name}="`, `${name}=`, name]) {
    await writeFile(path, `\n${cut}`);
    expect(await reader().read(name)).toMatch(/^[0-9a-f]{64}$/);
  }
});
