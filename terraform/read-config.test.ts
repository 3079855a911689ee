import { describe, expect, test } from "vitest";
import { cidrsOverlap } from "./cidrs-overlap.ts";
import { config } from "./config.ts";
import { findUnsetDigests } from "./find-unset-digests.ts";
import { type Accounts, ConfigInvalid, readConfig } from "./read-config.ts";

const readProblems = (given: unknown): string => {
  try {
    readConfig(given);
  } catch (fault) {
    if (fault instanceof ConfigInvalid) return fault.message;
    throw fault;
  }
  return "";
};

const readProblemsAfter = (change: (accounts: Accounts) => object): string =>
  readProblems({ ...config, ...change(config) });

const changeRegistry = (change: object) => (accounts: Accounts) => ({
  tooling: { ...accounts.tooling, registry: { ...accounts.tooling.registry, ...change } },
});

test("the configuration that ships is one that can be read", () => {
  expect(readProblems(config)).toBe("");
});

test("digests that nobody filled in are told of, and are no reason not to write the stacks", () => {
  expect(findUnsetDigests(config)).toEqual([
    expect.stringMatching(/^tooling\.images\.buildImage is still all zeros/),
    expect.stringMatching(/^tooling\.images\.baseImage is still all zeros/),
    expect.stringMatching(/^tooling\.images\.firstDigest is still all zeros/),
  ]);
});

describe("is refused in a sentence:", () => {
  test.each<[string, (accounts: Accounts) => object, RegExp]>([
    [
      "the same account twice",
      ({ stage, prod }) => ({ prod: { ...prod, account: stage.account } }),
      /stage and prod are both account 222222222222: give each an account of its own/,
    ],
    [
      "an unknown region",
      ({ prod }) => ({ prod: { ...prod, region: "us-east-7" } }),
      /prod\.region is "us-east-7": a region is one of us-east-1,/,
    ],
    [
      "accounts in different regions",
      ({ prod }) => ({ prod: { ...prod, region: "eu-west-1" } }),
      /lie in us-east-1, eu-west-1: Lambda takes images from its own region alone/,
    ],
    [
      "a base image that is named by a tag alone",
      ({ tooling }) => ({
        tooling: { ...tooling, images: { ...tooling.images, baseImage: "public.ecr.aws/lambda/nodejs:24" } },
      }),
      /tooling\.images\.baseImage is ".*nodejs:24": a base image is named by its digest/,
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
      /tooling\.images\.buildImage is ".*": a build image lies in a public registry and is named by its digest, without a tag/,
    ]),
    [
      "a build image for other machines",
      ({ tooling }) => ({ tooling: { ...tooling, images: { ...tooling.images, architecture: "x86_64" } } }),
      /tooling\.images\.buildImage is ".*aarch64.*" and tooling\.images\.architecture is x86_64: .* name an image for it/,
    ],
    ["an account id that is none", ({ prod }) => ({ prod: { ...prod, account: "12345" } }), /12 digits/],
    [
      "a missing Slack secret",
      ({ tooling }) => ({
        tooling: { ...tooling, slack: { ...tooling.slack, secrets: ["SLACK_BOT_TOKEN"] } },
      }),
      /tooling\.slack\.secrets lacks SLACK_SIGNING_SECRET: without it .* Add the name/,
    ],
    [
      "no list of Slack's secrets at all",
      ({ tooling: { slack, ...tooling } }) => ({
        tooling: { ...tooling, slack: { channel: slack.channel, teamId: slack.teamId, appId: slack.appId } },
      }),
      /tooling\.slack\.secrets: name Slack's secrets, SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET/,
    ],
    [
      "networks that overlap",
      changeRegistry({ peers: [{ name: "office", cidr: "10.20.0.128/25" }] }),
      /tooling\.registry\.cidr \(10\.20\.0\.0\/24\) and office \(10\.20\.0\.128\/25\) overlap/,
    ],
    ["a network without room", changeRegistry({ cidr: "10.20.0.0/28" }), /is a \/28: .* need a \/26 or more/],
    [
      "what is no network",
      changeRegistry({ cidr: "10.20.0.0" }),
      /a CIDR block is written like 10\.20\.0\.0\/24/,
    ],
    [
      "zones of another region",
      changeRegistry({ zones: ["eu-west-1a", "us-east-1b"] }),
      /eu-west-1a, which is no zone of us-east-1/,
    ],
    ["one zone twice", changeRegistry({ zones: ["us-east-1a", "us-east-1a"] }), /names us-east-1a twice/],
    [
      "one external id for both",
      ({ stage, prod }) => ({ prod: { ...prod, externalId: stage.externalId } }),
      /stage and prod have the same externalId/,
    ],
    [
      "a word that is misspelt",
      ({ prod }) => ({ prod: { ...prod, logRetentionDay: 30 } }),
      /logRetentionDay/,
    ],
    [
      "a retention that CloudWatch does not have",
      ({ prod }) => ({ prod: { ...prod, logRetentionDays: 100 } }),
      /prod\.logRetentionDays is 100: logs are kept for one of 30, 60,/,
    ],
  ])("%s", (_, change, sentence) => {
    expect(readProblemsAfter(change)).toMatch(sentence);
  });

  test("every mistake at once", () => {
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
  // A block is what its bits say, whatever address it is written with.
  ["10.0.0.77/24", "10.0.0.0/25", true],
])("%s and %s share an address: %s", (one, two, shared) => {
  expect(cidrsOverlap(one, two)).toBe(shared);
  expect(cidrsOverlap(two, one)).toBe(shared);
});
