import { ApiGatewayV2Client } from "@aws-sdk/client-apigatewayv2";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { STSClient } from "@aws-sdk/client-sts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import type { LambdaServingDependencies } from "#platform/serving/lambda/lambda-dependencies.ts";
import { createLambdaServing } from "#platform/serving/lambda.ts";
import type { Environment, Serving } from "#platform/serving/serving.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs<Env> = {
  readonly env: Env & GroupVariables<"functions">;
  readonly clock: () => number;
  /** Assumes the environments' roles with the function's role. */
  readonly sts?: STSClient;
};

/**
 * Creates serving for each event, because `session` is its delivery's name and marks each call in the environment's
 * CloudTrail; a role is assumed at the first call.
 */
type OpenServing<Environments extends Environment> = (
  session: string,
) => Readonly<Record<Environments, Serving>>;

type EnvironmentSettings = {
  readonly roleArn: string;
  readonly externalId: string;
  readonly functionRole: string;
  readonly httpApi: LambdaServingDependencies["httpApi"];
  readonly logRetentionDays: number;
  readonly logKey: string | undefined;
  readonly records: Readonly<Record<`RECORDS_${string}`, string | undefined>>;
};

const dropUndefined = (variables: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

const createEnvironmentServing = (
  environment: Environment,
  { env, clock, sts = new STSClient({}) }: Needs<unknown>,
  settings: EnvironmentSettings,
): ((session: string) => Serving) => {
  const { roleArn, externalId } = settings;
  return (session) => {
    const credentials = assumeRole({ sts, roleArn, externalId, session, clock });
    return createLambdaServing({
      environment,
      lambda: new LambdaClient({ credentials }),
      api: new ApiGatewayV2Client({ credentials }),
      logs: new CloudWatchLogsClient({ credentials }),
      role: settings.functionRole,
      repository: env.IMAGE_REPOSITORY_URI,
      firstDigest: env.FIRST_DIGEST,
      architecture: env.ARCHITECTURE,
      httpApi: settings.httpApi,
      logRetentionDays: settings.logRetentionDays,
      logKey: settings.logKey,
      variables: dropUndefined(settings.records),
    });
  };
};

const toAuthorizerOption = (id: string | undefined) => (id === undefined ? {} : { authorizerId: id });

/** Stage's inference functions, under the role of its account. */
export const createStageServing = (needs: Needs<GroupVariables<"stage">>): OpenServing<"stage"> => {
  const open = createEnvironmentServing("stage", needs, {
    roleArn: needs.env.STAGE_ROLE_ARN,
    externalId: needs.env.STAGE_EXTERNAL_ID,
    functionRole: needs.env.STAGE_FUNCTION_ROLE_ARN,
    httpApi: {
      id: needs.env.STAGE_HTTP_API_ID,
      url: needs.env.STAGE_HTTP_API_URL,
      ...toAuthorizerOption(needs.env.STAGE_AUTHORIZER_ID),
    },
    logRetentionDays: needs.env.STAGE_LOG_RETENTION_DAYS,
    logKey: needs.env.STAGE_LOG_KEY,
    records: {
      RECORDS_TABLE: needs.env.STAGE_RECORDS_TABLE,
      RECORDS_BUCKET: needs.env.STAGE_RECORDS_BUCKET,
      RECORDS_HASH_KEY_PARAMETER: needs.env.STAGE_RECORDS_HASH_KEY_PARAMETER,
    },
  });
  return (session) => ({ stage: open(session) });
};

/** Prod's inference functions, under the role of its account. */
export const createProdServing = (needs: Needs<GroupVariables<"prod">>): OpenServing<"prod"> => {
  const open = createEnvironmentServing("prod", needs, {
    roleArn: needs.env.PROD_ROLE_ARN,
    externalId: needs.env.PROD_EXTERNAL_ID,
    functionRole: needs.env.PROD_FUNCTION_ROLE_ARN,
    httpApi: {
      id: needs.env.PROD_HTTP_API_ID,
      url: needs.env.PROD_HTTP_API_URL,
      ...toAuthorizerOption(needs.env.PROD_AUTHORIZER_ID),
    },
    logRetentionDays: needs.env.PROD_LOG_RETENTION_DAYS,
    logKey: needs.env.PROD_LOG_KEY,
    records: {
      RECORDS_TABLE: needs.env.PROD_RECORDS_TABLE,
      RECORDS_BUCKET: needs.env.PROD_RECORDS_BUCKET,
      RECORDS_HASH_KEY_PARAMETER: needs.env.PROD_RECORDS_HASH_KEY_PARAMETER,
    },
  });
  return (session) => ({ prod: open(session) });
};

/** The inference functions of both environments. */
export const createServing = ({
  env,
  clock,
  sts = new STSClient({}),
}: Needs<GroupVariables<"stage"> & GroupVariables<"prod">>): OpenServing<Environment> => {
  const stage = createStageServing({ env, clock, sts });
  const prod = createProdServing({ env, clock, sts });
  return (session) => ({ ...stage(session), ...prod(session) });
};
