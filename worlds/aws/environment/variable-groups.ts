import * as z from "zod";
import { metricNames } from "#platform/metrics/metrics.ts";

const text = z.string().min(1);
const arn = z.string().regex(/^arn:[\w-]+:/, "an ARN begins with arn:");
const address = z.url().refine((url) => !url.endsWith("/"), "an address without a slash at its end");
const days = z.coerce.number().int().positive();

const stageRole = {
  /** The role in stage's account that steps assume, and the external id of its trust policy. */
  STAGE_ROLE_ARN: arn,
  STAGE_EXTERNAL_ID: text,
};
const prodRole = {
  PROD_ROLE_ARN: arn,
  PROD_EXTERNAL_ID: text,
};

/**
 * Environment variables that several functions share, by purpose. Each function's env.ts spreads the groups that it
 * needs into its object, so that a variable has one name and one form.
 */
export const variableGroups = {
  /** Claims, ledger, approvals, messages and outcomes. */
  store: { DELIVERY_TABLE: text },

  secrets: {
    /** Start of the names of the parameters in SSM, for example `/slipway/`. */
    SECRETS_PREFIX: z.string().regex(/^\/(.+\/)?$/, "a prefix begins and ends with a slash"),
  },

  /** Its ARN is built from its name, known in advance: otherwise functions and machine would need each other. */
  deliveries: { STATE_MACHINE_ARN: arn },

  /** The KMS key of task tokens: id, ARN or alias. */
  cipher: { CIPHER_KEY: text },

  slack: {
    SLACK_CHANNEL: z.string().regex(/^[CG][A-Z0-9]+$/, "a channel's id begins with C or G"),
    /** Another address of Slack's Web API, with a slash at the end: GovSlack's, or a test's. */
    SLACK_API_URL: z.url().optional(),
    /** The console's address, to which messages link; absent: there is no console. */
    CONSOLE_URL: address.optional(),
  },

  source: {
    SOURCE_HOST: z.enum(["codecommit", "github"]),
    /** CodeCommit: the repository's name; GitHub: `owner/name`. */
    SOURCE_REPOSITORY: text,
    /** A GitHub Enterprise Server's API; absent: github.com. */
    GITHUB_API: address.optional(),
  },

  /** The GitHub App that reports deliveries; absent: a token does. */
  sourceReports: {
    GITHUB_APP_ID: text.optional(),
    GITHUB_INSTALLATION_ID: text.optional(),
  },

  registry: {
    /** MLflow's address. */
    MLFLOW_URI: address,
    /** `iam`: it is behind an API that accepts requests signed by a role. */
    MLFLOW_AUTH: z.enum(["iam", "none"]).default("none"),
  },

  metrics: { METRICS_NAMESPACE: text.default(metricNames.deliveries.namespace) },

  images: {
    /** The repository's name in ECR, not its address. */
    IMAGE_REPOSITORY: text,
  },

  /** Signed records of how images were built: the bucket, and the KMS key whose signature counts. */
  provenance: {
    PROVENANCE_BUCKET: text,
    SIGNER_KEY: arn,
  },

  /** The bucket with Object Lock in which the heads of the audit trails lie. */
  audit: { AUDIT_BUCKET: text },

  /** SHA-256 of the builder that the platform applied. */
  builder: {
    BUILDER_DIGEST: z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits"),
  },

  /** What the inference functions of both environments share. */
  functions: {
    /** Where images are, without tag and digest. */
    IMAGE_REPOSITORY_URI: text,
    /** The image with which a function is created before its first version. */
    FIRST_DIGEST: z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits"),
    ARCHITECTURE: z.enum(["arm64", "x86_64"]),
  },

  /** Enough to act in stage's account with the function's own role there. */
  stageRole,

  stage: {
    ...stageRole,
    /** The role of all inference functions there. */
    STAGE_FUNCTION_ROLE_ARN: arn,
    STAGE_HTTP_API_ID: text,
    STAGE_HTTP_API_URL: address,
    /** Absent: the routes are open. */
    STAGE_AUTHORIZER_ID: text.optional(),
    STAGE_LOG_RETENTION_DAYS: days,
    /** The key of the functions' log groups; absent: CloudWatch's key. */
    STAGE_LOG_KEY: arn.optional(),
    /** Where functions there keep records; without table and bucket they keep none. */
    STAGE_RECORDS_TABLE: text.optional(),
    STAGE_RECORDS_BUCKET: text.optional(),
    /** Name of that account's parameter with the key for hashed inputs in records. */
    STAGE_RECORDS_HASH_KEY_PARAMETER: text.optional(),
  },

  /** Enough to read what prod's account measured. */
  prodRole,

  prod: {
    ...prodRole,
    PROD_FUNCTION_ROLE_ARN: arn,
    PROD_HTTP_API_ID: text,
    PROD_HTTP_API_URL: address,
    PROD_AUTHORIZER_ID: text.optional(),
    PROD_LOG_RETENTION_DAYS: days,
    PROD_LOG_KEY: arn.optional(),
    PROD_RECORDS_TABLE: text.optional(),
    PROD_RECORDS_BUCKET: text.optional(),
    PROD_RECORDS_HASH_KEY_PARAMETER: text.optional(),
  },
} as const satisfies Record<string, z.ZodRawShape>;

/** What a function that spreads this group reads from its environment. */
export type GroupVariables<Name extends keyof typeof variableGroups> = z.infer<
  z.ZodObject<(typeof variableGroups)[Name]>
>;
