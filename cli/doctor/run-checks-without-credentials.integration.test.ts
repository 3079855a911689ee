import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDoctorConfig } from "#test/support/doctor-surroundings.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelYaml, policyYaml } from "#test/support/toy-model.ts";
import { placeholderApprover } from "./placeholder-approver.ts";
import { runChecks } from "./run-checks.ts";

let checkout: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  checkout = await createTemporaryFolder();
  await mkdir(join(checkout.path, "models", "churn"), { recursive: true });
  await writeFile(join(checkout.path, "policy.yaml"), policyYaml);
  await writeFile(join(checkout.path, "models", "churn", "model.yaml"), buildModelYaml({ name: "churn" }));
  for (const name of ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_CONFIG_FILE", join(checkout.path, "config"));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(checkout.path, "credentials"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await checkout.remove();
});

test("without credentials it says what the checkout says by itself: the configuration, and who may approve", async () => {
  const accounts = createDoctorConfig({
    tooling: "123456789012",
    stage: "111122223333",
    prod: "444455556666",
  });
  const source = {
    host: "github",
    repository: "acme/models",
    branch: "main",
    reports: { as: "token" },
  } as const;
  const findings = await runChecks({
    outputs: () => Promise.reject(new Error("no call to AWS can work")),
    configuration: async () => ({
      accounts: { ...accounts, tooling: { ...accounts.tooling, source } },
      findings: [],
    }),
    checkout: checkout.path,
    fetch: () => Promise.reject(new Error("no network")),
  });
  expect(findings.filter(({ status }) => status === "missing").map(({ sentence }) => sentence)).toEqual([
    "There are no AWS credentials.",
    expect.stringContaining(`${placeholderApprover} in policy.yaml, models/churn/model.yaml is the example`),
  ]);
  expect(findings).toContainEqual({
    status: "pending",
    sentence: "The secrets: not checked without credentials.",
  });
  expect(findings).toContainEqual({
    status: "pending",
    sentence:
      "Whether the token may create deployments and commit statuses in acme/models: not checked without credentials.",
  });
});
