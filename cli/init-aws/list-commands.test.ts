import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { config } from "#terraform/config.ts";
import { type Accounts, readConfig } from "#terraform/read-config.ts";
import { findSentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { Answers } from "./answers.ts";
import { applyChanges, listConfigChanges } from "./apply-answers.ts";
import { listCommands } from "./list-commands.ts";

const answers = Answers.parse({
  tooling: "123456789012",
  stage: "123456789013",
  prod: "123456789014",
  region: "eu-central-1",
  source: "codecommit:models",
  branch: "main",
  reports: "",
  slackTeam: "T01",
  slackApp: "A01",
  slackChannel: "C01",
  approvers: ["U01ADA"],
  alarmEmails: ["alarms@example.com"],
  mailDomain: "example.com",
  operators: ["arn:aws:iam::123456789012:role/people-*"],
  ci: "acme/models",
  budget: 0,
  budgetEmail: "",
});

const runbook = readFileSync(new URL("../../docs/infrastructure.md", import.meta.url), "utf8");
/** The applies of docs/infrastructure.md, "A first deployment", in their order. */
const applies = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter((line) => /^(AWS_PROFILE=\w+ )?npm run apply -- /.test(line));

test("the stacks are applied by the runbook's commands, in its order", () => {
  const [, section = ""] = runbook.split("## A first deployment");
  const [steps = ""] = section.split("\n### ");
  expect(applies(steps).length).toBeGreaterThan(4);
  expect(applies(listCommands(answers, config))).toEqual(applies(steps));
});

test("its steps have the runbook's numbers and order, with the budget as 1b", () => {
  const [, section = ""] = runbook.split("## A first deployment");
  const [steps = ""] = section.split("\n### ");
  const inRunbook = [...steps.matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => number);
  const list = (text: string) => [...text.matchAll(/^## (\w+)\. /gm)].map(([, number]) => number);
  expect(list(listCommands(answers, config))).toEqual(inRunbook);
  const withBudget = { ...answers, budget: 60, budgetEmail: "ops@example.com" };
  expect(list(listCommands(withBudget, config))).toEqual(inRunbook.toSpliced(1, 0, "1b"));
  const order = (text: string) => text.indexOf("init aws --domain") < text.indexOf("git push");
  expect([order(listCommands(answers, config)), order(steps)]).toEqual([true, true]);
});

test("the example of an answers file has every answer, and each is right", () => {
  const [, example = ""] = /```yaml\n(tooling:[\s\S]*?)```/.exec(runbook) ?? [];
  expect(Answers.safeParse(parse(example)).error?.issues).toBeUndefined();
});

test("what it wrote is committed before the push, on either host", () => {
  expect(listCommands(answers, config)).toMatch(
    /git add terraform\/config\.ts policy\.yaml models .*\ngit commit .*\ngit push codecommit::eu-central-1:\/\/models HEAD:main\n/,
  );
  expect(listCommands({ ...answers, source: "github:acme/models" }, config)).toMatch(
    /git commit [\s\S]*gh variable set [\s\S]*git push https:\/\/github\.com\/acme\/models\.git HEAD:main\n/,
  );
});

test("each address is told to confirm AWS's mail", () => {
  expect(listCommands(answers, config)).toContain(
    "Open the link in AWS's mail to each address (alarms@example.com); until then it gets no alarms.",
  );
});

test("a console needs the app's client secret and its address among the app's redirect URLs", () => {
  const withConsole = {
    ...config,
    tooling: { ...config.tooling, console: { userGroup: "S1", clientId: "1.2" } },
  };
  for (const text of ["/slipway/SLACK_CLIENT_SECRET", "CONSOLE_URL, followed by /sign-in/callback"]) {
    expect(listCommands(answers, withConsole)).toContain(text);
    expect(listCommands(answers, config)).not.toContain(text);
  }
});

test("no command has a value of a secret", () => {
  const commands = listCommands(answers, config);
  expect(findSentinelSecrets(commands)).toEqual([]);
  for (const line of commands.split("\n").filter((text) => text.includes("put-parameter")))
    expect(line).toMatch(/ --value …$/);
});

test("a repository on GitHub needs a token that reads, and with reports one that writes them, each with its permissions", () => {
  const onGitHub = { ...answers, source: "github:acme/models" };
  const list = (reports: string) => listCommands({ ...onGitHub, reports }, config);
  expect(list("")).toContain(
    "GITHUB_TOKEN is a fine-grained token for acme/models with Contents: read and Pull requests: read.",
  );
  expect(list("")).not.toContain("Deployments");
  expect(list("pat")).toMatch(/name \/slipway\/GITHUB_REPORT_TOKEN --value …\n/);
  expect(list("app:123:456")).toMatch(/name \/slipway\/GITHUB_APP_KEY --value file:\/\/.*\.pem\n/);
  expect(list("app:123:456")).toContain("the GitHub App 123, whose installation 456 is on acme/models alone");
  for (const reports of ["pat", "app:123:456"])
    expect(list(reports)).toContain(
      "Deployments: read and write and Commit statuses: read and write, and no other",
    );
  expect(listCommands(answers, config)).not.toContain("GITHUB");
});

test("docs/github.md has the same commands, and configurations that are valid and that the answers give", () => {
  const page = readFileSync(new URL("../../docs/github.md", import.meta.url), "utf8");
  const sources = [...page.matchAll(/^ *source: (\{.*\}),$/gm)].map(
    ([, literal = ""]) =>
      JSON.parse(literal.replaceAll(/(\w+): /g, '"$1": ')) as Accounts["tooling"]["source"],
  );
  const shown = ["app:12345:678", "pat"];
  expect(sources).toHaveLength(shown.length);
  for (const [index, reports] of shown.entries()) {
    const onGitHub = { ...answers, source: "github:example/models", reports };
    const [change] = listConfigChanges(config, onGitHub, () => "").filter(({ path }) => path[1] === "source");
    expect(change?.value).toEqual(sources[index]);
    expect(() => readConfig(applyChanges(config, change ? [change] : []))).not.toThrow();
    const put = listCommands(onGitHub, config)
      .split("\n")
      .find((line) => /GITHUB_(APP_KEY|REPORT_TOKEN) --value/.test(line));
    expect(page).toContain(put);
  }
});

test("without a budget there is no command for one, and an existing MLflow has no stacks of its own", () => {
  expect(listCommands(answers, config)).not.toContain("create-budget");
  const existing = {
    ...config,
    tooling: { ...config.tooling, registry: { kind: "existing" as const, uri: "https://mlflow" } },
  };
  expect(listCommands(answers, existing)).toContain("npm run apply -- serving-stage serving-prod\n");
});
