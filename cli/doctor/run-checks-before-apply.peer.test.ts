import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readAwsOutputs } from "#cli/read-aws-outputs.ts";
import { type Moto, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createDoctorConfig, fetchWithPublicServices } from "#test/support/doctor-surroundings.ts";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelYaml, policyYaml } from "#test/support/toy-model.ts";
import { placeholderApprover } from "./placeholder-approver.ts";
import { runChecks } from "./run-checks.ts";

const { skip } = requirePython("tests of slipway doctor before the first apply");
const account = "123456789012";

describe.skipIf(skip)("slipway doctor before the first apply", () => {
  let moto: Moto;
  let checkout: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const variables = { AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

  beforeAll(async () => {
    moto = await startMoto();
    checkout = await createTemporaryFolder();
    await mkdir(join(checkout.path, "models", "churn"), { recursive: true });
    await writeFile(join(checkout.path, "policy.yaml"), policyYaml);
    await writeFile(join(checkout.path, "models", "churn", "model.yaml"), buildModelYaml({ name: "churn" }));
    for (const [name, value] of Object.entries({ ...variables, AWS_ENDPOINT_URL: moto.endpoint }))
      vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
    await checkout?.remove();
  });

  const look = (accounts: Readonly<Record<"tooling" | "stage" | "prod", string>>) =>
    runChecks({
      outputs: () => readAwsOutputs(undefined),
      configuration: async () => ({ accounts: createDoctorConfig(accounts), findings: [] }),
      checkout: checkout.path,
      fetch: fetchWithPublicServices(fetch),
    });
  const inThree = { tooling: account, stage: "111122223333", prod: "444455556666" };

  test("it checks the account by the configuration alone, and calls the rest not applied yet", async () => {
    const findings = await look(inThree);
    const sentences = findings.map(({ sentence }) => sentence);
    expect(sentences.filter((sentence) => /failed: |Error/.test(sentence))).toEqual([]);
    for (const pattern of [
      /^The profile is of the tooling account 123456789012\.$/,
      /^The registry's zones are eu-central-1a \(euc1-az\d\) and eu-central-1b \(euc1-az\d\)\.$/,
      /^CodeBuild may run 20 builds at once\.$/,
      /^The HTTP API of prod: not applied yet; 1 models need 1 routes/,
      /^No model of this checkout asks for more than the 3008 MB/,
      /^public\.ecr\.aws has images\.baseImage, /,
      /^ghcr\.io has registry\.image, /,
      /^Without a delivery these cost money: /,
    ])
      expect(sentences).toContainEqual(expect.stringMatching(pattern));
    const pending = findings.filter(({ status }) => status === "pending");
    expect(pending.length).toBeGreaterThanOrEqual(11);
    for (const { sentence } of pending) expect(sentence).toContain("not applied yet");
    // What a person must do before the first apply, and nothing else.
    const missing = findings.filter(({ status }) => status === "missing").map(({ sentence }) => sentence);
    expect(missing).toEqual([
      expect.stringContaining("There is no parameter /slipway/outputs"),
      expect.stringContaining(
        `${placeholderApprover} in policy.yaml, models/churn/model.yaml is the example`,
      ),
    ]);
  });

  test("in a trial it reads the one account's quota, and says what the accounts share", async () => {
    const findings = await look({ tooling: account, stage: account, prod: account });
    const sentences = findings.map(({ sentence }) => sentence);
    expect(sentences).toContainEqual(expect.stringMatching(/^prod may run \d+ functions at once/));
    expect(sentences).toContainEqual(
      expect.stringMatching(/^Trial: stage and prod share an account, 123456789012\./),
    );
  });

  test("a profile of another account is found", async () => {
    const findings = await look({ ...inThree, tooling: "999999999999" });
    expect(findings).toContainEqual({
      status: "missing",
      sentence: "The profile is of account 123456789012; the tooling account is 999999999999.",
      remedy: expect.stringContaining("--profile"),
    });
  });

  test("the command in a fresh checkout says to fill in the configuration", async () => {
    const { stdout, stderr, code } = await runCommand(["doctor", "--world", "aws"], {
      ...variables,
      AWS_ENDPOINT_URL: moto.endpoint,
    });
    expect(stderr).toBe("");
    expect(stdout).toContain("terraform/config.ts has the account ids that Slipway ships");
    expect(stdout).toContain("slipway init aws");
    expect(code).toBe(3);
  });
});
