import { join } from "node:path";
import { expect, test } from "vitest";
import { buildModelYaml, policyYaml } from "#test/support/toy-model.ts";
import { openFolderFiles, readRepositoryRules } from "./read-repository-rules.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (files: Readonly<Record<string, string>>, models: readonly string[]) =>
  readRepositoryRules({
    where: "the repository",
    models,
    file: async (path) => (path in files ? bytes(files[path] ?? "") : undefined),
  });

test("each approver has the files that name them, and each model its memory", async () => {
  const approval = "{ approvers: [U0SECOND1], quorum: 1, authorMayApprove: false, timeout: PT24H }";
  const rules = await read(
    { "policy.yaml": policyYaml, "models/toy/model.yaml": buildModelYaml({ approval }) },
    ["toy"],
  );
  expect(rules.problems).toEqual([]);
  expect(rules.approvers.get("U0SECOND1")).toContain("models/toy/model.yaml");
  expect(rules.models).toEqual([{ name: expect.any(String), memoryMb: expect.any(Number) }]);
});

test("a file that cannot be read is a problem of its own, and the others are still read", async () => {
  const rules = await read(
    {
      "policy.yaml": "approval: 1",
      "models/broken/model.yaml": "name: broken",
      "models/toy/model.yaml": buildModelYaml(),
    },
    ["broken", "toy", "gone"],
  );
  expect(rules.problems).toEqual([
    expect.stringContaining("policy.yaml of the repository cannot be read"),
    expect.stringContaining("models/broken/model.yaml of the repository cannot be read"),
  ]);
  expect(rules.models.map(({ name }) => name)).toEqual(["toy"]);
});

test("this checkout's own models are read", async () => {
  const files = await openFolderFiles(join(import.meta.dirname, "..", ".."));
  const rules = await readRepositoryRules(files);
  expect(rules.models.map(({ name }) => name)).toContain("churn");
  expect(rules.problems).toEqual([]);
});
