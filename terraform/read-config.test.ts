import { describe, expect, test } from "vitest";
import { trialAccounts } from "../test/infrastructure/trial-accounts.ts";
import { cidrsOverlap } from "./cidrs-overlap.ts";
import { config } from "./config.ts";
import { findUnsetDigests } from "./find-unset-digests.ts";
import { type Accounts, ConfigInvalid, readConfig } from "./read-config.ts";

const readProblems = (input: unknown): string => {
  try {
    readConfig(input);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.message;
    throw error;
  }
  return "";
};

const readProblemsAfter = (change: (accounts: Accounts) => object): string =>
  readProblems({ ...config, ...change(config) });

const changeRegistry = (change: object) => (accounts: Accounts) => ({
  tooling: { ...accounts.tooling, registry: { ...accounts.tooling.registry, ...change } },
});

test("the shipped configuration is valid", () => {
  expect(readProblems(config)).toBe("");
});

test("a trial has one account for all three roles", () => {
  expect(readProblems(trialAccounts(config))).toBe("");
});

test("unset digests are warnings, not errors", () => {
  expect(findUnsetDigests(config).map(({ sentence }) => sentence)).toEqual([
    expect.stringMatching(/^tooling\.images\.buildImage is still all zeros/),
    expect.stringMatching(/^tooling\.images\.baseImage is still all zeros/),
    expect.stringMatching(/^tooling\.images\.firstDigest is still all zeros/),
  ]);
});

describe("the error explains", () => {
  test.each<[string, (accounts: Accounts) => object, RegExp]>([
    [
      "the same account twice",
      ({ stage, prod }) => ({ prod: { ...prod, account: stage.account } }),
      /stage and prod are both account 222222222222: give each its own account.*set tooling\.trial to true/,
    ],
    [
      "a trial with two accounts",
      ({ prod, ...others }) => ({ ...trialAccounts({ prod, ...others }), prod }),
      /tooling\.trial is true, but stage is account 111111111111 and prod is account 333333333333/,
    ],
    [
      "an unknown region",
      ({ prod }) => ({ prod: { ...prod, region: "us-east-7" } }),
      /prod\.region is "us-east-7": the region must be one of us-east-1,/,
    ],
    [
      "accounts in different regions",
      ({ prod }) => ({ prod: { ...prod, region: "eu-west-1" } }),
      /are in us-east-1, eu-west-1: Lambda only supports images in its own region/,
    ],
    [
      "a base image with only a tag",
      ({ tooling }) => ({
        tooling: { ...tooling, images: { ...tooling.images, baseImage: "public.ecr.aws/lambda/nodejs:24" } },
      }),
      /tooling\.images\.baseImage is ".*nodejs:24": a base image needs a digest/,
    ],
    ...[
      "public.ecr.aws/codebuild/amazonlinux-aarch64-standard:4.0",
      "aws/codebuild/amazonlinux-aarch64-standard:4.0",
      `aws/codebuild/amazonlinux-aarch64-standard@sha256:${"a".repeat(64)}`,
      `public.ecr.aws/codebuild/amazonlinux-aarch64-standard:4.0@sha256:${"a".repeat(64)}`,
      `111111111111.dkr.ecr.us-east-1.amazonaws.com/builds@sha256:${"a".repeat(64)}`,
      `public.ecr.aws/codebuild/amazonlinux-aarch64-standard@sha256:${"a".repeat(63)}`,
    ].map((buildImage): [string, (accounts: Accounts) => object, RegExp] => [
      `the build image ${buildImage}`,
      ({ tooling }) => ({ tooling: { ...tooling, images: { ...tooling.images, buildImage } } }),
      /tooling\.images\.buildImage is ".*": a build image must be in a public registry and have a digest, without a tag/,
    ]),
    [
      "a build image for another architecture",
      ({ tooling }) => ({ tooling: { ...tooling, images: { ...tooling.images, architecture: "x86_64" } } }),
      /tooling\.images\.buildImage is ".*aarch64.*" and tooling\.images\.architecture is x86_64: .* choose an image for it/,
    ],
    ["an invalid account id", ({ prod }) => ({ prod: { ...prod, account: "12345" } }), /12 digits/],
    [
      "a missing Slack secret",
      ({ tooling }) => ({
        tooling: { ...tooling, slack: { ...tooling.slack, secrets: ["SLACK_BOT_TOKEN"] } },
      }),
      /tooling\.slack\.secrets lacks SLACK_SIGNING_SECRET: without it .* Add the name/,
    ],
    [
      "a missing list of Slack's secrets",
      ({ tooling: { slack, ...tooling } }) => ({
        tooling: { ...tooling, slack: { channel: slack.channel, teamId: slack.teamId, appId: slack.appId } },
      }),
      /tooling\.slack\.secrets: list Slack's secrets, SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET/,
    ],
    ...[
      ["no e-mail address", [], /emails: list at least one e-mail address/],
      [
        "nobody who gets alarms by e-mail",
        [{ address: "ada@example.com", alarms: false, events: ["outcome"] }],
        /emails has no address with alarms: true: while Slack does not answer, nobody would get an alarm/,
      ],
      [
        "a type of events that does not exist",
        [{ address: "ada@example.com", alarms: true, events: ["finished"] }],
        /events\.0 is "finished": an event's type is started, waiting, decided/,
      ],
    ].map(([name, emails, problem]): [string, (accounts: Accounts) => object, RegExp] => [
      String(name),
      ({ tooling }) => ({
        tooling: { ...tooling, notifications: { ...tooling.notifications, emails } },
      }),
      problem as RegExp,
    ]),
    [
      "networks that overlap",
      changeRegistry({ peers: [{ name: "office", cidr: "10.20.0.128/25" }] }),
      /tooling\.registry\.cidr \(10\.20\.0\.0\/24\) and office \(10\.20\.0\.128\/25\) overlap/,
    ],
    [
      "a network that is too small",
      changeRegistry({ cidr: "10.20.0.0/28" }),
      /is a \/28: .* need at least a \/26/,
    ],
    [
      "an invalid network",
      changeRegistry({ cidr: "10.20.0.0" }),
      /a CIDR block has the form 10\.20\.0\.0\/24/,
    ],
    [
      "zones of another region",
      changeRegistry({ zones: ["eu-west-1a", "us-east-1b"] }),
      /eu-west-1a, which is not a zone of us-east-1/,
    ],
    ["a repeated zone", changeRegistry({ zones: ["us-east-1a", "us-east-1a"] }), /has us-east-1a twice/],
    [
      "the same external id for both environments",
      ({ stage, prod }) => ({ prod: { ...prod, externalId: stage.externalId } }),
      /stage and prod have the same externalId/,
    ],
    ["a misspelt name", ({ prod }) => ({ prod: { ...prod, logRetentionDay: 30 } }), /logRetentionDay/],
    [
      "a retention that CloudWatch does not support",
      ({ prod }) => ({ prod: { ...prod, logRetentionDays: 100 } }),
      /prod\.logRetentionDays is 100: the retention must be one of 30, 60,/,
    ],
  ])("%s", (_, change, sentence) => {
    expect(readProblemsAfter(change)).toMatch(sentence);
  });

  test("all mistakes at once", () => {
    const message = readProblemsAfter(({ stage, prod }) => ({
      prod: { ...prod, account: stage.account, externalId: stage.externalId },
    }));
    expect(message.match(/^- /gm)).toHaveLength(2);
  });
});

test.each([
  ["10.0.0.0/16", "10.0.255.0/24", true],
  ["10.0.0.0/16", "10.1.0.0/16", false],
  ["0.0.0.0/0", "192.168.1.1/32", true],
  ["192.168.0.0/24", "192.168.1.0/24", false],
  // The prefix length defines the block, even if the address has host bits.
  ["10.0.0.77/24", "10.0.0.0/25", true],
])("%s and %s share an address: %s", (a, b, shared) => {
  expect(cidrsOverlap(a, b)).toBe(shared);
  expect(cidrsOverlap(b, a)).toBe(shared);
});
