import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../platform/store/open-database.ts";
import { dataFolder } from "../../rehearsal/data-folder.ts";
import { temporaryFolder } from "../../test/temporary-folder.ts";

const command = fileURLToPath(new URL("../slipway.ts", import.meta.url));
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  openDatabase(dataFolder(folder.path).database).close();
});
afterAll(() => folder.remove());

const keys = async (...args: readonly string[]) => {
  const all = ["--no-warnings", command, "keys", ...args, "--data", folder.path];
  const run = promisify(execFile)(process.execPath, all);
  const { stdout, stderr } = await run.catch((fault: { stdout: string; stderr: string }) => fault);
  return { code: run.child.exitCode, stdout, stderr };
};

test("a key is printed when it is made and when it is rotated, and never again", async () => {
  const created = await keys("create", "--name", "billing", "--models", "churn,transit-time");
  const [first = ""] = created.stdout.match(/slw_\w+/) ?? [];
  const id = first.split("_")[1] ?? "";
  expect(created).toMatchObject({ code: 0, stdout: expect.stringContaining(`Key ${id} of billing`) });

  const rotated = await keys("rotate", id, "--grace", "PT1H", "--json");
  const second = JSON.parse(rotated.stdout);
  expect(second).toMatchObject({ id, state: "valid", key: expect.stringMatching(`^slw_${id}_`) });
  expect(second.secrets).toHaveLength(2);

  const [listed, revoked] = [await keys("list"), await keys("revoke", id, "--json")];
  expect(listed.stdout).toMatch(new RegExp(`${id} +billing +prod +churn, transit-time +600 +rotating`));
  expect(JSON.parse(revoked.stdout)).toMatchObject({ id, state: "revoked" });
  for (const { stdout } of [listed, revoked, await keys("list", "--json")]) {
    expect(stdout).not.toContain("slw_");
    expect(stdout).not.toMatch(/[0-9a-f]{64}/);
  }
  expect((await keys("rotate", id)).stderr).toMatch(/is revoked: make a new key/);
});

test.each<[string, readonly string[], RegExp]>([
  ["no model", ["create", "--name", "billing"], /--models churn, or --all-models/],
  ["both kinds of models", ["create", "--name", "a", "--models", "churn", "--all-models"], /cannot be used/],
  [
    "a rate that is none",
    ["create", "--name", "a", "--all-models", "--per-minute", "60", "--burst", "61"],
    /burst/,
  ],
  ["a name that is none", ["create", "--name", "<b>", "--all-models"], /no such name/],
  ["an id that is not there", ["revoke", "unknown"], /prod has no key unknown/],
])("%s ends as a mistake of usage, with a sentence", async (_, args, sentence) => {
  const { code, stderr } = await keys(...args);
  expect(stderr).toMatch(sentence);
  expect(code).toBe(2);
});
