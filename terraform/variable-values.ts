import type { variableGroups } from "../worlds/aws/environment/variable-groups.ts";
import type { Accounts } from "./read-config.ts";
import type { ResourceNames } from "./resource-names.ts";
import type { RegistryOutputs } from "./stacks/registry.ts";
import type { ServingOutputs } from "./stacks/serving.ts";

type SharedVariable = {
  [Part in keyof typeof variableGroups]: keyof (typeof variableGroups)[Part];
}[keyof typeof variableGroups];

type Needs = {
  readonly accounts: Accounts;
  readonly names: ResourceNames;
  readonly registry: RegistryOutputs;
  readonly serving: Readonly<Record<"stage" | "prod", ServingOutputs>>;
  /** ARN of the key of task tokens. */
  readonly tokens: string;
  /** ARN of the key that builds sign under. */
  readonly signer: string;
  readonly runtime: string;
  /** Digest of the builder. */
  readonly builder: string;
  /** The console's address; absent: there is no console. */
  readonly consoleUrl?: string | undefined;
};

/** Values of all variables of functions in tooling, for one caller of the environments' roles. */
export type VariableValues = (caller: string) => Readonly<Record<string, string | undefined>>;

/** The compiler reports each variable of worlds/aws/environment/variable-groups.ts that has no value here. */
export const createVariableValues = (needs: Needs): VariableValues => {
  const { accounts, names, registry, serving } = needs;
  const { tooling, stage, prod } = accounts;
  const reports = tooling.source.host === "github" ? tooling.source.reports : undefined;
  const app = reports?.as === "app" ? reports : undefined;
  return (caller) => {
    const shared: Record<SharedVariable, string | undefined> = {
      DELIVERY_TABLE: names.table,
      SECRETS_PREFIX: names.secrets,
      STATE_MACHINE_ARN: names.stateMachineArn,
      CIPHER_KEY: needs.tokens,
      SLACK_CHANNEL: tooling.slack.channel,
      SLACK_API_URL: undefined,
      CONSOLE_URL: needs.consoleUrl,
      SOURCE_HOST: tooling.source.host,
      SOURCE_REPOSITORY: tooling.source.repository,
      GITHUB_API: undefined,
      GITHUB_APP_ID: app?.appId,
      GITHUB_INSTALLATION_ID: app?.installationId,
      MLFLOW_URI: registry.uri,
      MLFLOW_AUTH: registry.api === undefined ? "none" : "iam",
      METRICS_NAMESPACE: undefined,
      IMAGE_REPOSITORY: names.imageRepository,
      PROVENANCE_BUCKET: names.artefactBucket,
      AUDIT_BUCKET: names.auditBucket,
      SIGNER_KEY: needs.signer,
      BUILDER_DIGEST: needs.builder,
      IMAGE_REPOSITORY_URI: names.imageRepositoryUri,
      FIRST_DIGEST: tooling.images.firstDigest,
      ARCHITECTURE: tooling.images.architecture,
      STAGE_ROLE_ARN: names.callerRoleArn("stage", caller),
      STAGE_EXTERNAL_ID: stage.externalId,
      STAGE_FUNCTION_ROLE_ARN: names.inferenceRoleArn("stage"),
      STAGE_HTTP_API_ID: serving.stage.httpApiId,
      STAGE_HTTP_API_URL: serving.stage.httpApiUrl,
      STAGE_AUTHORIZER_ID: serving.stage.authorizerId,
      STAGE_LOG_RETENTION_DAYS: String(stage.logRetentionDays),
      STAGE_LOG_KEY: serving.stage.key,
      STAGE_RECORDS_TABLE: names.recordsTable("stage"),
      STAGE_RECORDS_BUCKET: names.recordsBucket("stage"),
      STAGE_RECORDS_HASH_KEY_PARAMETER: names.recordsHashKey("stage"),
      PROD_ROLE_ARN: names.callerRoleArn("prod", caller),
      PROD_EXTERNAL_ID: prod.externalId,
      PROD_FUNCTION_ROLE_ARN: names.inferenceRoleArn("prod"),
      PROD_HTTP_API_ID: serving.prod.httpApiId,
      PROD_HTTP_API_URL: serving.prod.httpApiUrl,
      PROD_AUTHORIZER_ID: serving.prod.authorizerId,
      PROD_LOG_RETENTION_DAYS: String(prod.logRetentionDays),
      PROD_LOG_KEY: serving.prod.key,
      PROD_RECORDS_TABLE: names.recordsTable("prod"),
      PROD_RECORDS_BUCKET: names.recordsBucket("prod"),
      PROD_RECORDS_HASH_KEY_PARAMETER: names.recordsHashKey("prod"),
    };
    return {
      ...shared,
      SLIPWAY_TRIAL: tooling.trial ? "true" : undefined,
      SLACK_TEAM_ID: tooling.slack.teamId,
      SLACK_APP_ID: tooling.slack.appId,
      SOURCE_BRANCH: tooling.source.branch,
      SOURCE_REPORTS: reports?.as,
      RUNTIME_DIGEST: needs.runtime,
      EVENT_BUS: names.eventBus,
      CONSOLE_USER_GROUP: tooling.console?.userGroup,
      CONSOLE_CLIENT_ID: tooling.console?.clientId,
    };
  };
};
