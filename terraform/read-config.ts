import * as z from "zod";
import { cidrsOverlap } from "./cidrs-overlap.ts";

/** Regions with every service that the stacks use; the list that AWS gives for Aurora Serverless v2 at 0 ACU and HTTP APIs. */
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

/** CloudWatch Logs keeps lines for these many days and no others. */
const retentionChoices = [
  30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 3_653,
] as const;

const cidr = z.cidrv4("a CIDR block is written like 10.20.0.0/24");
/** An image by its digest, which no tag can be moved from under; `address` as a regular expression. */
const imageByDigest = (address: string, sentence: string) =>
  z.string().regex(new RegExp(`^${address}@sha256:[0-9a-f]{64}$`), sentence);
const roleArnPattern = /^arn:aws:iam::\d{12}:role\/[\w+=,.@/*-]+$/;

const accountFields = {
  account: z.string().regex(/^\d{12}$/, "an account id has 12 digits"),
  region: z.enum(regions, `a region is one of ${regions.join(", ")}`),
  /** On everything that Terraform makes there, beside `slipway:stack`. */
  tags: z.record(z.string().min(1), z.string().min(1)),
  /** Tables, database and buckets refuse to be deleted; set to false and applied before an account is cleared. */
  protectData: z.boolean(),
  logRetentionDays: z.literal(
    retentionChoices,
    `logs are kept for one of ${retentionChoices.join(", ")} days`,
  ),
};

/** Secrets whose values a person puts into SSM. A missing name is told at synth: each function reads them by these. */
const secretNames = ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"] as const;

const Tooling = z.strictObject({
  ...accountFields,
  /** Roles, `*` allowed in the name, that may use the command on the environments. */
  operators: z.array(
    z.string().regex(roleArnPattern, "an operator is a role's ARN, with * where several are meant"),
  ),
  slack: z.strictObject({
    channel: z.string().regex(/^[CG][A-Z0-9]+$/, "a channel's id begins with C or G"),
    teamId: z.string().regex(/^T[A-Z0-9]+$/, "a workspace's id begins with T"),
    appId: z.string().regex(/^A[A-Z0-9]+$/, "an app's id begins with A"),
    secrets: z.array(
      z.enum(secretNames, `Slack's secrets are ${secretNames.join(" and ")}`),
      `name Slack's secrets, ${secretNames.join(" and ")}`,
    ),
  }),
  source: z.discriminatedUnion("host", [
    z.strictObject({
      host: z.literal("codecommit"),
      /** The repository's name; Terraform makes it. */
      repository: z
        .string()
        .regex(/^[\w.-]{1,100}$/, "a repository's name has letters, digits, dots and dashes"),
      branch: z.string().min(1),
    }),
    z.strictObject({
      host: z.literal("github"),
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "a GitHub repository is owner/name"),
      branch: z.string().min(1),
    }),
  ]),
  images: z.strictObject({
    architecture: z.enum(["arm64", "x86_64"]),
    /** Lambda's base image for Node 24, which models' layers are put on: by digest, or the same commit would give other images. */
    baseImage: imageByDigest(
      "[\\w./:-]+",
      "a base image is named by its digest: …@sha256: and 64 hex digits",
    ),
    /**
     * The image that builds run in, with the AWS CLI, Node >= 24 and Go >= 1.25: of a public registry, as the builds'
     * role may pull no private one, and as CodeBuild writes it, without a tag.
     * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html
     */
    buildImage: imageByDigest(
      "(?!\\d{12}\\.dkr\\.ecr\\.)[\\w-]+(\\.[\\w-]+)+(:\\d+)?(/[\\w.-]+)+",
      "a build image lies in a public registry and is named by its digest, without a tag: public.ecr.aws/…@sha256: and 64 hex digits",
    ),
    /** What a function is made from before its first version: an image in the repository, never served. */
    firstDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits"),
  }),
  registry: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("own"),
      /** false: no server and no load balancer, so no cost but the data's. Deliveries end at RegisterModel meanwhile. */
      running: z.boolean(),
      /** MLflow >= 3.14, with drivers for PostgreSQL and S3. */
      image: z
        .string()
        .regex(
          /^[\w./-]+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/,
          "an image is an address with a tag or a digest",
        ),
      /** The network's addresses; a /24 is plenty. */
      cidr,
      /** Two availability zones by name; named, so that none is ever exchanged for another. */
      zones: z.tuple([z.string(), z.string()]),
      /** Networks that are or will be connected with this one. */
      peers: z.array(z.strictObject({ name: z.string().min(1), cidr })),
      /** A certificate in ACM for the load balancer; absent: HTTP inside the network. */
      certificate: z
        .strictObject({ arn: z.string().startsWith("arn:aws:acm:"), host: z.string().min(1) })
        .optional(),
    }),
    z.strictObject({
      kind: z.literal("existing"),
      /** An MLflow >= 3.14 that the functions reach, without a slash at the end. */
      uri: z.url().refine((uri) => !uri.endsWith("/"), "an address without a slash at its end"),
      /** Where its artefacts lie, for the function that registers; absent: behind the server's proxy. */
      artifacts: z.strictObject({ bucket: z.string().min(3), prefix: z.string() }).optional(),
    }),
  ]),
  /** The GitHub repository whose workflow plans and applies, and the environment there that asks for approval. */
  ci: z.strictObject({
    repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "a GitHub repository is owner/name"),
    branch: z.string().min(1),
    environment: z.string().min(1),
  }),
});

const Environment = z.strictObject({
  ...accountFields,
  /** What the trust policies of this account ask for beside the caller; not a secret, but nobody else's. */
  externalId: z.string().regex(/^[\w+=,.@:/-]{2,1224}$/, "an external id has 2 to 1,224 of AWS's characters"),
  alarms: z.strictObject({
    /** Failed requests of a hundred, in five minutes. */
    errorPercent: z.number().positive().max(100),
    /** Of the 99th percentile, in milliseconds, in five minutes. */
    p99Ms: z.number().positive(),
  }),
});

const AccountsSchema = z.strictObject({ tooling: Tooling, stage: Environment, prod: Environment });

export type Accounts = z.infer<typeof AccountsSchema>;
export type EnvironmentConfig = z.infer<typeof Environment>;

/** terraform/config.ts cannot be deployed; the message has one sentence for each thing to change. */
export class ConfigInvalid extends Error {
  override readonly name = "ConfigInvalid";
}

const findContradictions = ({ tooling, stage, prod }: Accounts): readonly string[] => {
  const found: string[] = [];
  const named = Object.entries({ tooling, stage, prod });
  for (const [index, [name, one]] of named.entries())
    for (const [other, two] of named.slice(index + 1))
      if (one.account === two.account)
        found.push(
          `${name} and ${other} are both account ${one.account}: give each an account of its own, or what stage may do, prod's data is open to.`,
        );
  if (stage.externalId === prod.externalId)
    found.push(
      "stage and prod have the same externalId: give each its own, or one's callers could be led to the other.",
    );
  for (const secret of secretNames)
    if (!tooling.slack.secrets.includes(secret))
      found.push(
        `tooling.slack.secrets lacks ${secret}: without it Slack takes no question or its answers are refused. Add the name; the value goes into SSM after the first apply.`,
      );
  const { architecture, buildImage } = tooling.images;
  const other = architecture === "arm64" ? /x86_64|amd64/ : /aarch64|arm64/;
  if (other.test(buildImage))
    found.push(
      `tooling.images.buildImage is ${JSON.stringify(buildImage)} and tooling.images.architecture is ${architecture}: builds run on machines of that architecture, so name an image for it.`,
    );
  if (tooling.registry.kind === "own") {
    const networks = [
      { name: "tooling.registry.cidr", cidr: tooling.registry.cidr },
      ...tooling.registry.peers,
    ];
    for (const [index, one] of networks.entries())
      for (const two of networks.slice(index + 1))
        if (cidrsOverlap(one.cidr, two.cidr))
          found.push(
            `${one.name} (${one.cidr}) and ${two.name} (${two.cidr}) overlap: no route could tell them apart. Choose other addresses for one.`,
          );
    const size = Number(tooling.registry.cidr.split("/")[1]);
    if (size < 16 || size > 26)
      found.push(
        `tooling.registry.cidr is a /${size}: a network of AWS has /16 to /28, and the four subnets here need a /26 or more.`,
      );
  }
  if (tooling.registry.kind === "own") {
    const [one, two] = tooling.registry.zones;
    for (const zone of new Set([one, two]))
      if (!new RegExp(`^${tooling.region}[a-z]$`).test(zone))
        found.push(
          `tooling.registry.zones has ${zone}, which is no zone of ${tooling.region}: write ${tooling.region}a.`,
        );
    if (one === two)
      found.push(`tooling.registry.zones names ${one} twice: Aurora and the load balancer need two zones.`);
  }
  const regionsUsed = new Set(named.map(([, { region }]) => region));
  if (regionsUsed.size > 1)
    found.push(
      `tooling, stage and prod lie in ${[...regionsUsed].join(", ")}: Lambda takes images from its own region alone, so give all three the same.`,
    );
  return found;
};

/** What stands at a place of the configuration, where a few words can show it. No secret is in there. */
const describeValue = (given: unknown, path: readonly PropertyKey[]): string => {
  const value = path.reduce<unknown>((inner, key) => Object(inner)[key], given);
  return typeof value === "string" || typeof value === "number" ? ` is ${JSON.stringify(value)}` : "";
};

const toSentence =
  (given: unknown) =>
  ({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string =>
    `${path.join(".") || "config"}${describeValue(given, path)}: ${message}.`;

/** The configuration, checked. Throws ConfigInvalid with every mistake at once. */
export const readConfig = (given: unknown): Accounts => {
  const read = AccountsSchema.safeParse(given);
  const problems = read.success ? findContradictions(read.data) : read.error.issues.map(toSentence(given));
  if (read.success && problems.length === 0) return read.data;
  throw new ConfigInvalid(`terraform/config.ts cannot be deployed:\n- ${problems.join("\n- ")}`);
};
