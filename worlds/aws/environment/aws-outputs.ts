import * as z from "zod";
import { Digest } from "#platform/images/images.ts";
import { variableGroups } from "./variable-groups.ts";

const accountId = z.string().regex(/^\d{12}$/, "an account's id has 12 digits");

/** The tooling account's parameter to which Terraform writes them as JSON. */
export const outputsParameter = "/slipway/outputs";

/**
 * Terraform's outputs for programs outside the functions: the `slipway` command and its doctor. They have the names of
 * the functions' variables; the roles are those that a person assumes. They contain no secret.
 */
export const AwsOutputs = z.object({
  ...variableGroups.store,
  ...variableGroups.secrets,
  ...variableGroups.deliveries,
  ...variableGroups.cipher,
  ...variableGroups.slack,
  ...variableGroups.source,
  ...variableGroups.sourceReports,
  ...variableGroups.registry,
  ...variableGroups.metrics,
  ...variableGroups.images,
  ...variableGroups.provenance,
  ...variableGroups.builder,
  /** Absent in outputs of a release before audit trails. */
  AUDIT_BUCKET: variableGroups.audit.AUDIT_BUCKET.optional(),
  ...variableGroups.functions,
  ...variableGroups.stage,
  ...variableGroups.prod,
  SLACK_TEAM_ID: z.string().min(1),
  SLACK_APP_ID: z.string().min(1),
  /** As what deliveries are reported on GitHub; absent: they are not. */
  SOURCE_REPORTS: z.enum(["app", "token"]).optional(),
  SOURCE_BRANCH: z.string().min(1).default("main"),
  /** Content hash of the runtime layer that images get. */
  RUNTIME_DIGEST: Digest,
  ACCOUNTS: z.object({ tooling: accountId, stage: accountId, prod: accountId }),
  /** The CodeBuild project that builds images. */
  BUILD_PROJECT: z.string().min(1),
  /** The image that its builds run in, by digest. */
  BUILD_IMAGE: z.string().min(1),
  /** Where Slack sends people's clicks. */
  SLACK_CALLBACK_URL: z.url().optional(),
  /** The user group of Slack whose members may read the console. */
  CONSOLE_USER_GROUP: z.string().min(1).optional(),
});
export type AwsOutputs = z.infer<typeof AwsOutputs>;
