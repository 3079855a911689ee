import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { policyYaml } from "#test/support/toy-model.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { writeFirstPolicy } from "#worlds/embedded/operator/write-first-policy.ts";

let workFolder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let file = "";
const output: string[] = [];
beforeEach(async () => {
  workFolder = await createTemporaryFolder();
  file = join(workFolder.path, "next.yaml");
  await writeFile(join(workFolder.path, "policy.yaml"), policyYaml);
  const database = openDatabase(resolveDataFolder(workFolder.path).database);
  const needs = {
    store: createSqliteStore({ database, clock: Date.now }),
    confirmation: "alone-if-said" as const,
  };
  const first = {
    policy: createPlatformPolicy(needs),
    changes: createPolicyWriter({ ...needs, clock: Date.now }),
    checkout: workFolder.path,
    say: (sentence: string) => void output.push(sentence),
  };
  output.length = 0;
  await writeFirstPolicy(first);
  // A later file changes nothing: a copy exists.
  await writeFile(join(workFolder.path, "policy.yaml"), policyYaml.replace("quorum: 1", "quorum: 2"));
  await writeFirstPolicy(first);
  database.close();
});
afterEach(() => workFolder.remove());

const runPolicyCommand = (...args: readonly string[]) =>
  runCommand(["policy", ...args, "--data", workFolder.path], {});
const readPolicyInForce = async () => JSON.parse((await runPolicyCommand("show", "--json")).stdout);

test("the first start writes the platform's copy and says so once; later files change nothing", async () => {
  expect(output).toEqual([expect.stringContaining("The platform's policy was written from")]);
  expect(await readPolicyInForce()).toMatchObject({ revision: 1, floor: { approval: { quorum: 1 } } });
});

test("the person who proposes a policy cannot confirm it: the refusal explains --alone", async () => {
  await writeFile(file, policyYaml.replace("authorMayApprove: false", "authorMayApprove: true"));
  const applied = await runPolicyCommand("apply", file);
  expect(applied.stdout).toContain("Loosens:\n  approval.authorMayApprove false → true");
  const id = /confirm ([\w-]+)/.exec(applied.stdout)?.[1] ?? "";
  const refused = await runPolicyCommand("confirm", id);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("a second person has to confirm it");
  expect(await readPolicyInForce()).toMatchObject({ revision: 1 });
  const alone = await runPolicyCommand("confirm", id, "--alone");
  expect(alone.stdout).toContain("so no second person has seen the change");
  expect(await readPolicyInForce()).toMatchObject({
    revision: 2,
    floor: { approval: { authorMayApprove: true } },
  });
  expect((await runPolicyCommand("history")).stdout).toContain("the same person");
});

test("an invalid policy file is refused with the line, and the copy stays", async () => {
  await writeFile(file, policyYaml.replace("quorum: 1", "quorum: 0"));
  const applied = await runPolicyCommand("apply", file);
  expect([applied.code, applied.stderr]).toEqual([1, expect.stringContaining("approval.quorum")]);
  expect((await runPolicyCommand("apply", join(workFolder.path, "absent.yaml"))).code).toBe(2);
  for (const command of ["show", "confirm"])
    expect(await runPolicyCommand(command, "7-nothing")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no proposal 7-nothing"),
    });
  expect(await readPolicyInForce()).toMatchObject({ revision: 1 });
  expect(await readFile(file, "utf8")).toContain("quorum: 0");
});
