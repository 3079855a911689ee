import * as z from "zod";
import { detailTypes } from "../platform/events/events.ts";
import { cidrsOverlap } from "./cidrs-overlap.ts";

/** Regions with all services of the stacks, by AWS's lists for Aurora Serverless v2 at 0 ACU and for HTTP APIs. */
const regions = [
  "us-east-1",
  "us-east-2",
  "us-west-2",
  "ca-central-1",
  "eu-central-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "eu-north-1",
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "sa-east-1",
] as const;

/** The retention days that CloudWatch Logs supports. */
const retentionChoices = [
  30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 3_653,
] as const;

const cidr = z.cidrv4("a CIDR block has the form 10.20.0.0/24");
/** An image by digest, because someone can move a tag; `address` is a regular expression. */
const imageByDigest = (address: string, message: string) =>
  z.string().regex(new RegExp(`^${address}@sha256:[0-9a-f]{64}$`), message);
const roleArnPattern = /^arn:aws:iam::\d{12}:role\/[\w+=,.@/*-]+$/;

const accountFields = {
  account: z.string().regex(/^\d{12}$/, "an account id has 12 digits"),
  region: z.enum(regions, `the region must be one of ${regions.join(", ")}`),
  /** Tags of all Terraform resources in the account, in addition to `slipway:stack`. */
  tags: z.record(z.string().min(1), z.string().min(1)),
  /** Protects tables, database and buckets from deletion. Before you clear an account, set it to false and apply. */
  protectData: z.boolean(),
  logRetentionDays: z.literal(
    retentionChoices,
    `the retention must be one of ${retentionChoices.join(", ")} days`,
  ),
};

/** Secrets whose values a person puts into SSM. Functions read them by these names, so synth fails for a missing one. */
const secretNames = ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"] as const;

const eventTypes = Object.keys(detailTypes) as (keyof typeof detailTypes)[];
const eventType = z.enum(eventTypes, `an event's type is ${eventTypes.join(", ")}`);

const Tooling = z.strictObject({
  ...accountFields,
  /**
   * One account for all three roles, to try Slipway without setting up accounts. Nothing then separates stage from prod but
   * the names in the roles' permissions, so every approval says that it is a trial.
   */
  trial: z.boolean().optional(),
  /** Roles (with `*` in the name) that may use the `slipway` command on the environments. */
  operators: z.array(
    z.string().regex(roleArnPattern, "an operator is a role's ARN; use * to match several roles"),
  ),
  slack: z.strictObject({
    channel: z.string().regex(/^[CG][A-Z0-9]+$/, "a channel's id starts with C or G"),
    teamId: z.string().regex(/^T[A-Z0-9]+$/, "a workspace's id starts with T"),
    appId: z.string().regex(/^A[A-Z0-9]+$/, "an app's id starts with A"),
    secrets: z.array(
      z.enum(secretNames, `Slack's secrets are ${secretNames.join(" and ")}`),
      `list Slack's secrets, ${secretNames.join(" and ")}`,
    ),
  }),
  /** The console's pages, for members of a user group of Slack; absent: no console (docs/console-on-aws.md). */
  console: z
    .strictObject({
      /** Whose members may read the console. */
      userGroup: z.string().regex(/^S[A-Z0-9]+$/, "a user group's id starts with S"),
      /** Of Slack's app: the page Basic Information has it. Not secret. */
      clientId: z.string().regex(/^\d+\.\d+$/, "an app's client id is two numbers with a dot between them"),
    })
    .optional(),
  notifications: z.strictObject({
    /** Types of events that are posted in Slack's channel; a delivery's message shows its own facts anyway. */
    slack: z.array(eventType),
    /** E-mail addresses. Each gets a mail from AWS and has to confirm it once. */
    emails: z
      .array(
        z.strictObject({
          address: z.email("an e-mail address has the form name@example.com"),
          /** Whether it gets alarms of the three accounts. */
          alarms: z.boolean(),
          /** Types of events that it gets. */
          events: z.array(eventType),
        }),
      )
      .min(1, "list at least one e-mail address: it gets the alarms when Slack does not answer"),
  }),
  source: z.discriminatedUnion("host", [
    z.strictObject({
      host: z.literal("codecommit"),
      /** The name of the repository that Terraform creates. */
      repository: z
        .string()
        .regex(/^[\w.-]{1,100}$/, "a repository's name has letters, digits, dots, dashes and underscores"),
      branch: z.string().min(1),
    }),
    z.strictObject({
      host: z.literal("github"),
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "a GitHub repository is owner/name"),
      branch: z.string().min(1),
      /** Shows deliveries on GitHub, as an app or with a token (docs/github.md); absent: it does not. */
      reports: z
        .discriminatedUnion("as", [
          z.strictObject({ as: z.literal("token") }),
          z.strictObject({
            as: z.literal("app"),
            appId: z.string().regex(/^[\w.-]{1,100}$/, "the app's id or client id"),
            installationId: z.string().regex(/^\d{1,20}$/, "the installation's number"),
          }),
        ])
        .optional(),
    }),
  ]),
  /**
   * How long the anchors of the audit trails are locked; absent: for seven years in mode GOVERNANCE. In mode COMPLIANCE
   * nobody, not even the account's root user, removes them earlier, and the bucket cannot be deleted.
   */
  auditLock: z
    .strictObject({
      mode: z.enum(["GOVERNANCE", "COMPLIANCE"], "the lock's mode is GOVERNANCE or COMPLIANCE"),
      days: z.int("days are a whole number").min(1).max(36_500),
    })
    .optional(),
  images: z.strictObject({
    architecture: z.enum(["arm64", "x86_64"]),
    /** Lambda's base image for Node 24, to which models' layers are added. By digest, so that a commit always gives the same image. */
    baseImage: imageByDigest("[\\w./:-]+", "a base image needs a digest: …@sha256: and 64 hex digits"),
    /**
     * The image that builds run in, with the AWS CLI, Node >= 24 and Go >= 1.25. It must be in a public registry, because
     * the builds' role cannot pull private images, and have no tag, as CodeBuild requires.
     * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html
     */
    buildImage: imageByDigest(
      "(?!\\d{12}\\.dkr\\.ecr\\.)[\\w-]+(\\.[\\w-]+)+(:\\d+)?(/[\\w.-]+)+",
      "a build image must be in a public registry and have a digest, without a tag: public.ecr.aws/…@sha256: and 64 hex digits",
    ),
    /** The image of a new function before its first version: in the repository, never served. */
    firstDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits"),
  }),
  registry: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("own"),
      /** false: no server and no load balancer, so only the data costs. Deliveries then fail at RegisterModel. */
      running: z.boolean(),
      /** MLflow >= 3.14, with drivers for PostgreSQL and S3. */
      image: z
        .string()
        .regex(/^[\w./-]+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/, "an image needs a tag or a digest"),
      /** The network's addresses; a /24 is plenty. */
      cidr,
      /** Two availability zones by name, so that Terraform never replaces one by another. */
      zones: z.tuple([z.string(), z.string()]),
      /** Networks that are or will be connected to this one. */
      peers: z.array(z.strictObject({ name: z.string().min(1), cidr })),
      /** A certificate in ACM for the load balancer; absent: HTTP inside the network. */
      certificate: z
        .strictObject({ arn: z.string().startsWith("arn:aws:acm:"), host: z.string().min(1) })
        .optional(),
    }),
    z.strictObject({
      kind: z.literal("existing"),
      /** The URL of an MLflow >= 3.14 that the functions can reach, without a trailing slash. */
      uri: z.url().refine((uri) => !uri.endsWith("/"), "remove the trailing slash"),
      /** The location of its artefacts, for register-model; absent: behind the server's proxy. */
      artifacts: z.strictObject({ bucket: z.string().min(3), prefix: z.string() }).optional(),
    }),
  ]),
  /**
   * The GitHub repository whose workflow plans and applies, and its environment that requires approval; absent: people
   * apply, and CI has no roles.
   */
  ci: z
    .strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "a GitHub repository is owner/name"),
      branch: z.string().min(1),
      environment: z.string().min(1),
    })
    .optional(),
});

const Environment = z.strictObject({
  ...accountFields,
  /** The trust policies of this account require it in addition to the caller; not secret, but unique. */
  externalId: z.string().regex(/^[\w+=,.@:/-]{2,1224}$/, "an external id has 2 to 1,224 of AWS's characters"),
  alarms: z.strictObject({
    /** Percentage of failed requests in five minutes. */
    errorPercent: z.number().positive().max(100),
    /** 99th percentile of the latency in five minutes, in milliseconds. */
    p99Ms: z.number().positive(),
  }),
});

const AccountsSchema = z.strictObject({ tooling: Tooling, stage: Environment, prod: Environment });

export type Accounts = z.infer<typeof AccountsSchema>;
export type EnvironmentConfig = z.infer<typeof Environment>;

/** terraform/config.ts is invalid; the message has one sentence for each mistake. */
export class ConfigInvalid extends Error {
  override readonly name = "ConfigInvalid";
}

/** Whether a value has the form of a configuration; its values may still contradict each other. */
export const isConfig = (input: unknown): input is Accounts => AccountsSchema.safeParse(input).success;

const findContradictions = ({ tooling, stage, prod }: Accounts): readonly string[] => {
  const problems: string[] = [];
  const accounts = Object.entries({ tooling, stage, prod });
  for (const [index, [nameA, a]] of accounts.entries())
    for (const [nameB, b] of accounts.slice(index + 1)) {
      if (a.account === b.account && !tooling.trial)
        problems.push(
          `${nameA} and ${nameB} are both account ${a.account}: give each its own account, so that stage's permissions do not apply to prod's data. To try Slipway in one account, give all three the same and set tooling.trial to true.`,
        );
      if (a.account !== b.account && tooling.trial)
        problems.push(
          `tooling.trial is true, but ${nameA} is account ${a.account} and ${nameB} is account ${b.account}: a trial has one account for all three. Give them the same account, or set tooling.trial to false.`,
        );
    }
  if (stage.externalId === prod.externalId)
    problems.push(
      "stage and prod have the same externalId: give each its own, so that a caller of one cannot be tricked into using the other.",
    );
  if (!tooling.notifications.emails.some(({ alarms }) => alarms))
    problems.push(
      "tooling.notifications.emails has no address with alarms: true: while Slack does not answer, nobody would get an alarm.",
    );
  for (const secret of secretNames)
    if (!tooling.slack.secrets.includes(secret))
      problems.push(
        `tooling.slack.secrets lacks ${secret}: without it approvals in Slack fail. Add the name; put the value into SSM after the first apply.`,
      );
  const { architecture, buildImage } = tooling.images;
  const otherArchitecture = architecture === "arm64" ? /x86_64|amd64/ : /aarch64|arm64/;
  if (otherArchitecture.test(buildImage))
    problems.push(
      `tooling.images.buildImage is ${JSON.stringify(buildImage)} and tooling.images.architecture is ${architecture}: builds run on machines of that architecture, so choose an image for it.`,
    );
  if (tooling.registry.kind === "own") {
    const networks = [
      { name: "tooling.registry.cidr", cidr: tooling.registry.cidr },
      ...tooling.registry.peers,
    ];
    for (const [index, a] of networks.entries())
      for (const b of networks.slice(index + 1))
        if (cidrsOverlap(a.cidr, b.cidr))
          problems.push(
            `${a.name} (${a.cidr}) and ${b.name} (${b.cidr}) overlap, so they cannot be connected. Choose other addresses for one of them.`,
          );
    const size = Number(tooling.registry.cidr.split("/")[1]);
    if (size < 16 || size > 26)
      problems.push(
        `tooling.registry.cidr is a /${size}: AWS allows /16 to /28, and the four subnets need at least a /26.`,
      );
  }
  if (tooling.registry.kind === "own") {
    const [first, second] = tooling.registry.zones;
    for (const zone of new Set([first, second]))
      if (!new RegExp(`^${tooling.region}[a-z]$`).test(zone))
        problems.push(
          `tooling.registry.zones has ${zone}, which is not a zone of ${tooling.region}: use for instance ${tooling.region}a.`,
        );
    if (first === second)
      problems.push(
        `tooling.registry.zones has ${first} twice: Aurora and the load balancer need two zones.`,
      );
  }
  const regionsUsed = new Set(accounts.map(([, { region }]) => region));
  if (regionsUsed.size > 1)
    problems.push(
      `tooling, stage and prod are in ${[...regionsUsed].join(", ")}: Lambda only supports images in its own region, so use one region for all three.`,
    );
  return problems;
};

/** The value at a path of the configuration, if it is short. The configuration holds no secrets. */
const describeValue = (input: unknown, path: readonly PropertyKey[]): string => {
  const value = path.reduce<unknown>((inner, key) => Object(inner)[key], input);
  return typeof value === "string" || typeof value === "number" ? ` is ${JSON.stringify(value)}` : "";
};

const toSentence =
  (input: unknown) =>
  ({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string =>
    `${path.join(".") || "config"}${describeValue(input, path)}: ${message}.`;

/** Validates the configuration. Throws ConfigInvalid with all mistakes. */
export const readConfig = (input: unknown): Accounts => {
  const parsed = AccountsSchema.safeParse(input);
  const problems = parsed.success
    ? findContradictions(parsed.data)
    : parsed.error.issues.map(toSentence(input));
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new ConfigInvalid(`terraform/config.ts is invalid:\n- ${problems.join("\n- ")}`);
};
