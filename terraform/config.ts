import type { Accounts } from "./read-config.ts";

/**
 * Fill in this file before the first deployment: one literal per account. `read-config.ts` describes each value and
 * explains every mistake; docs/infrastructure.md has the steps. Do not put secrets here: their values go into SSM after
 * the first apply.
 */
const tooling = {
  account: "111111111111",
  region: "us-east-1",
  /** true: all three roles in one account, to try Slipway (docs/infrastructure.md, "A trial in one account"). */
  trial: false,
  tags: { "cost-center": "machine-learning" },
  protectData: true,
  logRetentionDays: 365,
  /** People and machines that may use the `slipway` command on the environments. */
  operators: ["arn:aws:iam::111111111111:role/slipway-people-*"],
  slack: {
    channel: "C0000000000",
    teamId: "T0000000000",
    appId: "A0000000000",
    secrets: ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"],
  },
  /**
   * The console's pages for members of a user group of Slack (docs/console-on-aws.md); without it there is no console:
   * console: { userGroup: "S0000000000", clientId: "0000000000.0000000000" },
   */
  /** Who else is told: so that a failure of Slack, too, reaches somebody. docs/events.md lists the types of events. */
  notifications: {
    slack: ["rolled-back", "configuration-drift"],
    emails: [
      { address: "platform@example.com", alarms: true, events: ["rolled-back", "configuration-drift"] },
    ],
  },
  source: { host: "codecommit", repository: "models", branch: "main" },
  images: {
    architecture: "arm64",
    /** `slipway doctor` prints the commands that find the digests of these two. */
    buildImage: `public.ecr.aws/codebuild/amazonlinux-aarch64-standard@sha256:${"0".repeat(64)}`,
    baseImage: `public.ecr.aws/lambda/nodejs:24@sha256:${"0".repeat(64)}`,
    /** docs/infrastructure.md, step 4. */
    firstDigest: `sha256:${"0".repeat(64)}`,
  },
  registry: {
    kind: "own",
    running: true,
    /** docs/infrastructure.md explains how to find its digest. */
    image: "ghcr.io/mlflow/mlflow:v3.17.0-full",
    cidr: "10.20.0.0/24",
    zones: ["us-east-1a", "us-east-1b"],
    peers: [],
  },
  ci: { repository: "example/models", branch: "main", environment: "infrastructure" },
} as const satisfies Accounts["tooling"];

const stage = {
  account: "222222222222",
  region: "us-east-1",
  tags: { "cost-center": "machine-learning" },
  externalId: "slipway-stage-7d1f5c",
  protectData: true,
  logRetentionDays: 365,
  alarms: { errorPercent: 10, p99Ms: 3_000 },
} as const satisfies Accounts["stage"];

const prod = {
  account: "333333333333",
  region: "us-east-1",
  tags: { "cost-center": "machine-learning" },
  externalId: "slipway-prod-2b9e60",
  protectData: true,
  logRetentionDays: 365,
  alarms: { errorPercent: 10, p99Ms: 3_000 },
} as const satisfies Accounts["prod"];

export const config: Accounts = { tooling, stage, prod };
