import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfiguration } from "#cli/doctor/read-configuration.ts";
import { Interrupted, openTerminal } from "#cli/open-terminal.ts";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { loadConfig } from "./prepare-files.ts";
import { writeFiles } from "./write-files.ts";

const root = join(import.meta.dirname, "..", "..");
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
const path = (...parts: readonly string[]) => join(folder.path, ...parts);
const read = (...parts: readonly string[]) => readFile(path(...parts), "utf8");
const list = async () => (await readdir(folder.path, { recursive: true })).sort();

beforeEach(async () => {
  folder = await createTemporaryFolder();
  await mkdir(path("terraform"));
  await cp(join(root, "terraform", "config.ts"), path("terraform", "config.ts"));
  await cp(join(root, "policy.yaml"), path("policy.yaml"));
  await mkdir(path("models", "churn"), { recursive: true });
  await cp(join(root, "models", "churn", "model.yaml"), path("models", "churn", "model.yaml"));
});
afterEach(() => folder.remove());

const answers = {
  tooling: "123456789012",
  stage: "123456789013",
  prod: "123456789014",
  region: "eu-central-1",
  source: "codecommit:models",
  slackTeam: "T01",
  slackApp: "A01",
  slackChannel: "C01",
  approvers: ["U01ADA", "U02BEN"],
  alarmEmails: ["alarms@example.com"],
  mailDomain: "example.com",
  ci: "acme/models",
  budget: 60,
  budgetEmail: "ops@example.com",
};
const init = async (...args: readonly string[]) => {
  await writeFile(path("answers.json"), JSON.stringify(answers));
  return runCommand(["init", "aws", "--folder", folder.path, ...args], {});
};
const withAnswers = (...args: readonly string[]) => init("--answers", path("answers.json"), ...args);

test("without a terminal and without answers it lists all of them, and writes nothing", async () => {
  const before = [...(await list()), "answers.json"].sort();
  const { code, stderr } = await init();
  expect(code).toBe(2);
  for (const flag of ["--tooling", "--region", "--slack-team", "--approvers", "--mail-domain"])
    expect(stderr).toContain(flag);
  expect(await list()).toEqual(before);
});

test("a file of answers fills in configuration, policy and manifests, and the commands have the answers in them", async () => {
  const { code, stdout, stderr } = await withAnswers();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const config = await loadConfig(await read("terraform", "config.ts"));
  expect(config).toMatchObject({
    tooling: {
      account: "123456789012",
      trial: false,
      notifications: {
        emails: [
          { address: "alarms@example.com", alarms: true, events: ["rolled-back", "configuration-drift"] },
        ],
      },
      slack: { channel: "C01", teamId: "T01", appId: "A01" },
      registry: { zones: ["eu-central-1a", "eu-central-1b"] },
    },
    stage: { externalId: expect.not.stringContaining("7d1f5c") },
  });
  // The comments of the shipped file are still there.
  expect(await read("terraform", "config.ts")).toContain("Fill in this file before the first deployment");
  expect(await read("policy.yaml")).toContain("approvers: [U01ADA, U02BEN] # who may approve at all");
  expect(await read("models", "churn", "model.yaml")).toContain("approvers: [U01ADA, U02BEN], quorum: 1");
  const commands = await read("first-deployment.md");
  expect(stdout).toContain(commands.trim());
  for (const part of [
    "AWS_PROFILE=prod npm run apply -- bootstrap-prod --state-profile tooling",
    "crane copy --platform linux/arm64 public.ecr.aws/lambda/nodejs:24 123456789012.dkr.ecr.eu-central-1.amazonaws.com/slipway:release-first",
    "npx slipway init aws --domain example.com",
    '"Amount":"60"',
    "(15 minutes)",
    "Together they take about 31 minutes.",
    "export AWS_REGION=eu-central-1",
  ])
    expect(commands).toContain(part);
  expect((await list()).filter((name) => name.endsWith(".new"))).toEqual([]);
});

test("what it writes is what the doctor reads", async () => {
  await withAnswers();
  const { accounts, findings } = await readConfiguration(async () => ({
    config: await loadConfig(await read("terraform", "config.ts")),
  }));
  expect(accounts?.prod.account).toBe("123456789014");
  expect(findings.map(({ sentence }) => sentence)).toEqual(
    ["buildImage", "baseImage", "firstDigest"].map((name) => expect.stringContaining(name)),
  );
});

test("the same account three times is a trial with one bootstrap", async () => {
  const { code } = await withAnswers("--stage", "123456789012", "--prod", "123456789012");
  expect(code).toBe(0);
  expect(await read("terraform", "config.ts")).toContain("trial: true");
  expect(await read("first-deployment.md")).not.toContain("bootstrap-prod");
});

test("a second run keeps the answers and external ids, and has nothing to write", async () => {
  await withAnswers();
  const before = await read("terraform", "config.ts");
  expect(await init()).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing changes") });
  expect(await read("terraform", "config.ts")).toBe(before);
});

test("what a person wrote by hand is neither lost nor replaced without --yes, and the difference is shown", async () => {
  await withAnswers();
  const byHand = (await read("terraform", "config.ts"))
    .replace('channel: "C01",', 'channel: "C0HAND", // moved')
    .replace("p99Ms: 3_000", "p99Ms: 900");
  await writeFile(path("terraform", "config.ts"), byHand);
  // The hand's value is the default of the next run.
  expect(await init()).toMatchObject({ code: 0 });
  expect(await read("terraform", "config.ts")).toBe(byHand);
  // The old file of answers contradicts it.
  const refused = await withAnswers();
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("--yes") });
  expect(refused.stdout).toMatch(/-.*C0HAND[\s\S]*\+.*C01/);
  expect(await read("terraform", "config.ts")).toBe(byHand);
  expect(await withAnswers("--yes")).toMatchObject({ code: 0 });
  expect(await read("terraform", "config.ts")).toBe(byHand.replace("C0HAND", "C01"));
});

test("new approvers replace those of the earlier run in the manifests too, but not those that a person chose", async () => {
  await withAnswers();
  await mkdir(path("models", "own"));
  const own = (await read("models", "churn", "model.yaml")).replace("[U01ADA, U02BEN]", "[U02BEN]");
  await writeFile(path("models", "own", "model.yaml"), own);
  expect(await withAnswers("--approvers", "U03CYD", "--yes")).toMatchObject({ code: 0 });
  expect(await read("policy.yaml")).toContain("approvers: [U03CYD] ");
  expect(await read("models", "churn", "model.yaml")).toContain("approvers: [U03CYD], quorum: 1");
  expect(await read("models", "own", "model.yaml")).toBe(own);
});

test("without a repository for CI the configuration has none, and a later run may name one", async () => {
  expect(await withAnswers("--ci", "")).toMatchObject({ code: 0 });
  expect((await loadConfig(await read("terraform", "config.ts"))).tooling.ci).toBeUndefined();
  expect(await withAnswers("--ci", "acme/models", "--yes")).toMatchObject({ code: 0 });
  expect((await loadConfig(await read("terraform", "config.ts"))).tooling.ci).toEqual({
    repository: "acme/models",
    branch: "main",
    environment: "infrastructure",
  });
});

test("reports on GitHub are written, kept by later runs, also where a person wrote them by hand, and removed by an empty answer", async () => {
  const gitHub = ["--source", "github:acme/models"];
  const readSource = async () => (await loadConfig(await read("terraform", "config.ts"))).tooling.source;
  const repository = { host: "github", repository: "acme/models", branch: "main" };
  expect(await withAnswers(...gitHub, "--reports", "app:12345:678")).toMatchObject({ code: 0 });
  const reports = { as: "app", appId: "12345", installationId: "678" };
  expect(await readSource()).toEqual({ ...repository, reports });
  expect(await read("first-deployment.md")).toContain("/slipway/GITHUB_APP_KEY");
  expect(await init()).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing changes") });
  const byHand = (await read("terraform", "config.ts")).replace('appId: "12345"', 'appId: "54321"');
  await writeFile(path("terraform", "config.ts"), byHand);
  expect(await init()).toMatchObject({ code: 0 });
  expect(await readSource()).toEqual({ ...repository, reports: { ...reports, appId: "54321" } });
  expect(await withAnswers(...gitHub, "--reports", "", "--yes")).toMatchObject({ code: 0 });
  expect(await readSource()).toEqual(repository);
});

test("a mistake that only shows in the whole configuration writes nothing", async () => {
  const before = await read("terraform", "config.ts");
  const { code, stderr } = await withAnswers("--region", "af-south-1");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("the region must be one of") });
  expect(await read("terraform", "config.ts")).toBe(before);
  expect(await list()).not.toContain("slipway.init.yaml");
});

test("a policy whose approvers are not on one line is left alone, with what to write", async () => {
  await writeFile(
    path("policy.yaml"),
    (await read("policy.yaml")).replace("approvers: [U024BE7LH]", "approvers:\n    - U024BE7LH\n   "),
  );
  expect(await withAnswers()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("approvers: [U01ADA, U02BEN]"),
  });
  expect(await list()).not.toContain("slipway.init.yaml");
});

test("an answers file with another key is refused, because it may be a secret", async () => {
  await writeFile(path("more.yaml"), "slackToken: xoxb-1\nslackChanel: C01\n");
  const { code, stderr } = await init("--answers", path("more.yaml"));
  expect(code).toBe(2);
  expect(stderr).toContain("slackToken is no answer");
  expect(stderr).toContain("slackChanel is no answer. Did you mean slackChannel?");
  // Together with the other mistakes.
  expect(stderr).toContain("--tooling, or tooling in the answers file): missing. 12 digits");
  expect(stderr).not.toContain("xoxb-1");
});

test("a folder without a configuration, and a damaged file of earlier answers, are named", async () => {
  expect(await runCommand(["init", "aws", "--folder", path("models")], {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("has no terraform/config.ts"),
  });
  await writeFile(path("slipway.init.yaml"), "- no\n  object: [");
  expect(await init()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("slipway.init.yaml is not"),
  });
});

test("the parts before and after Terraform are not mixed", async () => {
  expect(await withAnswers("--domain", "example.com")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("one of them at a time"),
  });
});

test("Ctrl-C and the end of the input end the questions", async () => {
  for (const end of [(input: PassThrough) => input.write("\u0003"), (input: PassThrough) => input.end()]) {
    const input = new PassThrough();
    // Ctrl-C reaches readline as a character only on a terminal.
    Object.assign(input, { isTTY: true, setRawMode: () => input });
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const terminal = openTerminal(input, output);
    const answer = terminal.ask("Account? ");
    end(input);
    await expect(answer).rejects.toBeInstanceOf(Interrupted);
    terminal.close();
  }
});

test("a file that cannot be written leaves all others as they were", async () => {
  const before = await list();
  const files = new Map([
    [path("policy.yaml"), "new"],
    [path("absent", "file"), "new"],
  ]);
  expect(() => writeFiles(files)).toThrow(/ENOENT/);
  expect(await read("policy.yaml")).not.toBe("new");
  expect(await list()).toEqual(before);
});
