import { describe, expect, test } from "vitest";
import { collectAnswers, type GivenAnswers, parseText } from "./collect-answers.ts";
import { questions } from "./questions.ts";

const complete: GivenAnswers = {
  tooling: "123456789012",
  stage: "123456789013",
  prod: "123456789014",
  region: "eu-central-1",
  source: "github:acme/models",
  slackTeam: "T01",
  slackApp: "A01",
  slackChannel: "C01",
  approvers: ["U01ADA"],
  alarmEmails: ["alarms@example.com"],
  mailDomain: "example.com",
};
const print = () => undefined;
const collect = (given: GivenAnswers, earlier: GivenAnswers = {}) =>
  collectAnswers({ given, earlier, ask: undefined, print });

test("without a terminal the answers that follow from others need not be given", async () => {
  expect(await collect(complete)).toMatchObject({
    ...complete,
    branch: "main",
    reports: "",
    operators: ["arn:aws:iam::123456789012:role/slipway-people-*"],
    ci: "acme/models",
    budget: 0,
    budgetEmail: "",
  });
});

test("without a terminal every missing and every wrong answer is named at once, with its flag and its name in the file", async () => {
  const { slackApp: _, approvers: __, ...rest } = complete;
  await expect(collect({ ...rest, prod: "12" })).rejects.toThrow(
    /^Nothing was written\..*\n- .*--prod, or prod .*12 digits\n- Slack app \(--slack-app, or slackApp in the answers file\): missing.*\n- Approvers \(--approvers, or approvers.*missing/,
  );
});

test("an answer that is given counts before an earlier one", async () => {
  const answers = await collect({ region: "us-east-1" }, { ...complete, region: "eu-west-1" });
  expect(answers.region).toBe("us-east-1");
  expect(answers.tooling).toBe("123456789012");
});

test("a secret is refused wherever an answer could hold it", async () => {
  await expect(collect({ ...complete, branch: "xoxb-123-456" })).rejects.toThrow(/looks like a secret/);
});

test("the same account three times is a trial, twice is a mistake", async () => {
  const account = "123456789012";
  expect(await collect({ ...complete, stage: account, prod: account })).toMatchObject({ prod: account });
  await expect(collect({ ...complete, stage: account })).rejects.toThrow(/Two of the three accounts/);
});

test("a budget needs somebody who hears of it", async () => {
  await expect(collect({ ...complete, budget: "60", budgetEmail: "" })).rejects.toThrow(/--budget-email/);
  expect(await collect({ ...complete, budget: "60", budgetEmail: "ops@example.com" })).toMatchObject({
    budget: 60,
  });
});

test("on a terminal it asks again after a wrong answer, and an empty answer takes the earlier one", async () => {
  const asked: string[] = [];
  const printed: string[] = [];
  const script = ["12", "123456789012"];
  const answers = await collectAnswers({
    given: {},
    earlier: { ...complete, tooling: undefined },
    ask: async (question) => {
      asked.push(question);
      return script.shift() ?? "";
    },
    print: (text) => printed.push(text),
  });
  expect(answers).toMatchObject(complete);
  expect(printed).toEqual(["  an account id has 12 digits"]);
  expect(asked).toHaveLength(questions.length + 1);
  expect(asked).toContainEqual(expect.stringContaining("[eu-central-1]"));
});

test("no question asks for a secret", () => {
  for (const { question, hint } of questions)
    expect(`${question} ${hint}`).not.toMatch(/token|secret|password|key\b/i);
});

test.each([
  ["tooling", 12_345, 'quote it: "123456789012"'],
  ["approvers", 7, "write a list, [U024BE7LH]"],
  ["approvers", [7], "write each as text, in quotes"],
  ["alarmEmails", ["nobody"], "an e-mail address has the form name@example.com"],
  ["budget", "much", "a number of USD a month, 0 for none"],
  ["branch", ["main"], "write one text, in quotes"],
  ["stage", undefined, "missing. 12 digits, or tooling's id for a trial"],
  ["mailDomain", null, "missing. For example example.com"],
  [
    "mailDomain",
    "gmail.com",
    "gmail.com is a public mail service: everybody can have an address there. List people in the policy's identities instead.",
  ],
] as const)("a mistake of %s in the file is explained in plain words: %j", async (name, value, sentence) => {
  await expect(collect({ ...complete, [name]: value })).rejects.toThrow(`in the answers file): ${sentence}`);
});

test("a file may write account ids without quotes, and lists with commas", async () => {
  const answers = await collect({ ...complete, prod: 123_456_789_014, approvers: "U01ADA, U02BEN" });
  expect(answers).toMatchObject({ prod: "123456789014", approvers: ["U01ADA", "U02BEN"] });
});

test("an earlier answer that is no longer right is named too", async () => {
  const { mailDomain: _, ...rest } = complete;
  await expect(collect(rest, { mailDomain: "gmx.de" })).rejects.toThrow(/gmx\.de is a public mail service/);
});

test("lists are written with commas", () => {
  expect(parseText("approvers", "U1, U2,")).toEqual(["U1", "U2"]);
  expect(parseText("branch", " main ")).toBe("main");
});

describe("reports on GitHub", () => {
  const codecommit: GivenAnswers = { ...complete, source: "codecommit:models" };

  test("are by an app or a token, or not at all", async () => {
    for (const reports of ["", "pat", "app:12345:678", "app:Iv23liAbC.d:678"])
      expect(await collect({ ...complete, reports })).toMatchObject({ reports });
    for (const reports of ["token", "app:12345", "app:12345:abc", "App:1:2"])
      await expect(collect({ ...complete, reports })).rejects.toThrow(
        /--reports, or reports .*app:<app id>:<installation's number>, or pat/,
      );
  });

  test("never take the token or the key itself", async () => {
    for (const reports of [`github_pat_${"a".repeat(22)}`, "-----BEGIN RSA PRIVATE KEY-----"])
      await expect(collect({ ...complete, reports })).rejects.toThrow(/looks like a secret/);
  });

  test("are no question about CodeCommit, and a contradiction where they are answered", async () => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return "";
    };
    // The repository has moved to CodeCommit since.
    const earlier = { ...codecommit, reports: "app:1:2" };
    expect(await collectAnswers({ given: {}, earlier, ask, print })).toMatchObject({ reports: "" });
    expect(asked.filter((question) => question.includes("commit statuses"))).toEqual([]);
    await expect(collect({ ...codecommit, reports: "pat" })).rejects.toThrow(
      /CodeCommit shows no deployments/,
    );
  });
});
