import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { secretsContract } from "#test/contracts/secrets.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createEnvironmentSecrets } from "./environment.ts";
import { SecretMissing } from "./secrets.ts";

secretsContract("environment", async () => ({
  secrets: createEnvironmentSecrets({ env: { SLACK_BOT_TOKEN: "xoxb-contract", EMPTY_SECRET: "" } }),
  close: async () => undefined,
}));

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let path: string;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  path = join(folder.path, "made", "secrets.env");
});
afterEach(() => folder.remove());
const name = "SLACK_SIGNING_SECRET";
const generate = [name, "SLACK_BOT_TOKEN"];
const createSecrets = (env: Record<string, string> = {}) =>
  createEnvironmentSecrets({ env, file: { path, generate } });

test("the environment takes precedence over the file", async () => {
  await createSecrets().read(name);
  expect(await createSecrets({ [name]: "mine" }).read(name)).toBe("mine");
});

test("a generated secret has 64 hex digits, only the owner can read it, and it stays the same", async () => {
  const first = await createSecrets().read(name);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await createSecrets().read(name)).toBe(first);
  expect(await createSecrets().read("SLACK_BOT_TOKEN")).not.toBe(first);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("concurrent readers generate one secret and all get it", async () => {
  const values = await Promise.all(Array.from({ length: 20 }, () => createSecrets().read(name)));
  expect(new Set(values).size).toBe(1);
});

test("a blank variable is SecretMissing, and no secret is generated for it", async () => {
  for (const blank of ["", "  "])
    await expect(createSecrets({ [name]: blank }).read(name)).rejects.toThrow(SecretMissing);
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("only the listed names are generated", async () => {
  await expect(createSecrets().read("OTHER")).rejects.toThrow(/OTHER is not set/);
});

test("a manually added line counts, even as the last line without a newline", async () => {
  await createSecrets().read(name);
  await writeFile(path, `# mine\nSLACK_BOT_TOKEN=xoxb-1-2`);
  expect(await createSecrets().read("SLACK_BOT_TOKEN")).toBe("xoxb-1-2");
  const generated = await createSecrets().read(name);
  expect(await createSecrets().read("SLACK_BOT_TOKEN")).toBe("xoxb-1-2");
  expect(await readFile(path, "utf8")).toContain(generated);
});

test("a truncated generated line is never used as a secret", async () => {
  await createSecrets().read("SLACK_BOT_TOKEN");
  for (const cut of [`${name}="ab`, `${name}="`, `${name}=`, name]) {
    await writeFile(path, `\n${cut}`);
    expect(await createSecrets().read(name)).toMatch(/^[0-9a-f]{64}$/);
  }
});
