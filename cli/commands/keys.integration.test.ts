import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { keysCommand } from "./keys.ts";

const command = fileURLToPath(new URL("../slipway.ts", import.meta.url));
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
});
afterAll(() => folder.remove());

/** Runs the command in a separate process, like a person. */
const keys = async (...args: readonly string[]) => {
  const all = ["--no-warnings", command, "keys", ...args, "--data", folder.path];
  return promisify(execFile)(process.execPath, all);
};
/** In this process: what it says goes nowhere. */
const attempt = (...args: readonly string[]) => {
  const quiet = keysCommand().exitOverride();
  for (const each of [quiet, ...quiet.commands])
    each.configureOutput({ writeErr: () => undefined }).showHelpAfterError(false);
  return quiet.parseAsync([...args, "--data", folder.path], { from: "user" });
};

test("a key is printed when it is created and when it is rotated, never again", async () => {
  const created = (await keys("create", "--name", "billing", "--models", "churn,transit-time")).stdout;
  const [first = ""] = created.match(/slw_\w+/) ?? [];
  const id = first.split("_")[1] ?? "";
  expect(created).toContain(`Key ${id} of billing: churn, transit-time on prod, 600 requests per minute.`);

  const rotated = JSON.parse((await keys("rotate", id, "--grace", "PT1H", "--json")).stdout);
  expect(rotated).toMatchObject({ id, state: "valid", key: expect.stringMatching(`^slw_${id}_`) });
  expect(rotated.secrets).toHaveLength(2);

  const [listed, revoked] = [(await keys("list")).stdout, (await keys("revoke", id, "--json")).stdout];
  expect(listed).toMatch(new RegExp(`${id} +billing +prod +churn, transit-time +600 +rotating`));
  expect(JSON.parse(revoked)).toMatchObject({ id, state: "revoked" });
  for (const said of [listed, revoked]) {
    expect(said).not.toContain("slw_");
    expect(said).not.toMatch(/[0-9a-f]{64}/);
  }
  await expect(attempt("rotate", id)).rejects.toThrow(/is revoked: create a new key/);
});

test.each<[string, readonly string[], RegExp]>([
  ["no model", ["create", "--name", "billing"], /--models churn, or --all-models/],
  ["both kinds of models", ["create", "--name", "a", "--models", "churn", "--all-models"], /cannot be used/],
  [
    "an invalid rate",
    ["create", "--name", "a", "--all-models", "--per-minute", "60", "--burst", "61"],
    /burst/,
  ],
  ["an invalid name", ["create", "--name", "<b>", "--all-models"], /invalid --name/],
  ["an unknown id", ["revoke", "unknown"], /prod has no key unknown/],
  ["an invalid grace", ["rotate", "unknown", "--grace", "24 hours"], /ISO 8601/],
])("%s is refused with the reason", async (_, args, sentence) => {
  await expect(attempt(...args)).rejects.toThrow(sentence);
});
