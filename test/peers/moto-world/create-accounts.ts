import { ApiGatewayV2Client, CreateApiCommand } from "@aws-sdk/client-apigatewayv2";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateRepositoryCommand, ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { Environment } from "#platform/serving/serving.ts";
import { defineDelivery, type StepName, stepNames } from "#statemachine/delivery.ts";
import { actInAccount } from "#test/peers/act-in-account.ts";
import { createRole } from "#test/peers/create-role.ts";
import { createSigningKey } from "#test/peers/create-signing-key.ts";
import { createTable } from "#test/peers/create-table.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import { repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";

export const toolingAccount = "123456789012";
/** The two accounts that serve models. */
export const environmentAccounts: Readonly<Record<Environment, string>> = {
  stage: "111122223333",
  prod: "444455556666",
};
const deliveryRole = "slipway-delivery";
/** The role in an environment's account that steps assume. */
export const toDeliveryRoleArn = (environment: Environment): string =>
  `arn:aws:iam::${environmentAccounts[environment]}:role/${deliveryRole}`;
const functionRole = "slipway-function";
/** The role of the inference functions in an environment's account. */
export const toFunctionRoleArn = (environment: Environment): string =>
  `arn:aws:iam::${environmentAccounts[environment]}:role/${functionRole}`;
export const toExternalId = (environment: Environment): string => `external id of ${environment}`;
export const worldRegion = "eu-central-1";
const region = worldRegion;
export const deliveryTable = "slipway";
const imageRepository = "slipway";
const secretsPrefix = "/slipway/";
/** The bucket for MLflow's artefacts. */
export const artifactBucket = "slipway-registry";
/** The bucket for provenance. */
export const provenanceBucket = "slipway-artefacts";
/** The bucket with the anchors of the audit trails. */
export const auditBucket = "slipway-audit";

/** A step's function, as Terraform names it. */
export const toStepFunctionName = (step: string): string => `slipway-${step}`;
const toStepFunctionArn = (step: string) =>
  `arn:aws:lambda:${region}:${toolingAccount}:function:${toStepFunctionName(step)}`;

/** moto has only the functions' names; they run elsewhere (STEPS_URL). */
const emptyZip = Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64");

const firstImage = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: {
    mediaType: "application/vnd.oci.image.config.v1+json",
    size: 2,
    digest: `sha256:${"0".repeat(64)}`,
  },
  layers: [],
});

const createToolingAccount = async (endpoint: string, secrets: Readonly<Record<string, string>>) => {
  const config = motoClientConfig(endpoint);
  const dynamodb = new DynamoDBClient(config);
  await createTable(dynamodb, deliveryTable);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  await s3.send(
    new CreateBucketCommand({
      Bucket: artifactBucket,
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
  const ssm = new SSMClient(config);
  for (const [name, Value] of Object.entries(secrets))
    await ssm.send(new PutParameterCommand({ Name: `${secretsPrefix}${name}`, Value, Type: "SecureString" }));
  const kms = new KMSClient(config);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await s3.send(
    new CreateBucketCommand({
      Bucket: provenanceBucket,
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
  await s3.send(
    new CreateBucketCommand({
      Bucket: auditBucket,
      CreateBucketConfiguration: { LocationConstraint: region },
      ObjectLockEnabledForBucket: true,
    }),
  );
  const signer = await createSigningKey(kms);
  const ecr = new ECRClient(config);
  await ecr.send(new CreateRepositoryCommand({ repositoryName: imageRepository }));
  const first = await ecr.send(
    new PutImageCommand({ repositoryName: imageRepository, imageTag: "first", imageManifest: firstImage }),
  );

  const role = await createRole(endpoint, toolingAccount, "slipway", { service: "lambda.amazonaws.com" });
  const lambda = new LambdaClient(config);
  // answer-approval invokes itself through Lambda's API.
  for (const step of [...stepNames, "answer-approval"])
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: toStepFunctionName(step),
        Runtime: "nodejs24.x",
        Role: role,
        Handler: "index.handler",
        Code: { ZipFile: emptyZip },
      }),
    );
  const functions = Object.fromEntries(stepNames.map((step) => [step, toStepFunctionArn(step)])) as Record<
    StepName,
    string
  >;
  const sfn = new SFNClient(config);
  const machine = await sfn.send(
    new CreateStateMachineCommand({
      name: "slipway",
      definition: JSON.stringify(defineDelivery({ functions, buildProject: "slipway-images" })),
      roleArn: role,
    }),
  );
  for (const client of [dynamodb, s3, ssm, kms, ecr, lambda, sfn]) client.destroy();
  return {
    CIPHER_KEY: KeyMetadata?.KeyId ?? "",
    SIGNER_KEY: signer,
    FIRST_DIGEST: first.image?.imageId?.imageDigest ?? "",
    STATE_MACHINE_ARN: machine.stateMachineArn ?? "",
  };
};

const createEnvironmentAccount = async (endpoint: string, environment: Environment, url: string) => {
  const account = environmentAccounts[environment];
  const externalId = toExternalId(environment);
  const role = await createRole(endpoint, account, deliveryRole, { account: toolingAccount, externalId });
  await createRole(endpoint, account, functionRole, { service: "lambda.amazonaws.com" });
  const api = actInAccount(account, new ApiGatewayV2Client(motoClientConfig(endpoint)));
  const { ApiId = "" } = await api.send(new CreateApiCommand({ Name: environment, ProtocolType: "HTTP" }));
  api.destroy();
  const prefix = environment.toUpperCase();
  return {
    [`${prefix}_ROLE_ARN`]: role,
    [`${prefix}_EXTERNAL_ID`]: externalId,
    [`${prefix}_FUNCTION_ROLE_ARN`]: toFunctionRoleArn(environment),
    [`${prefix}_HTTP_API_ID`]: ApiId,
    [`${prefix}_HTTP_API_URL`]: `${url}/${environment}`,
    [`${prefix}_LOG_RETENTION_DAYS`]: "30",
  };
};

type Needs = {
  /** moto's address. */
  readonly endpoint: string;
  /** The address of our server for the desk and the HTTP APIs. */
  readonly url: string;
  readonly mlflow: string;
  /** Content hash of the runtime layer. */
  readonly runtime: string;
  /** Digest of the builder. */
  readonly builder: string;
  readonly secrets: Readonly<Record<string, string>>;
};

/**
 * Creates Terraform's resources in three of moto's accounts; returns all variables that the functions read. Roles, keys
 * and tables exist in moto, permissions do not (docs/peers.md).
 */
export const createAccounts = async ({ endpoint, url, mlflow, runtime, builder, secrets }: Needs) => ({
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_ENDPOINT_URL: endpoint,
  DELIVERY_TABLE: deliveryTable,
  SECRETS_PREFIX: secretsPrefix,
  SLACK_API_URL: `${url}/api/`,
  SLACK_CHANNEL: slackWorkspace.channel.id,
  SLACK_TEAM_ID: slackWorkspace.teamId,
  SLACK_APP_ID: slackWorkspace.appId,
  SOURCE_HOST: "codecommit",
  SOURCE_REPOSITORY: repositoryName,
  RUNTIME_DIGEST: runtime,
  BUILDER_DIGEST: builder,
  PROVENANCE_BUCKET: provenanceBucket,
  AUDIT_BUCKET: auditBucket,
  IMAGE_REPOSITORY: imageRepository,
  IMAGE_REPOSITORY_URI: `${toolingAccount}.dkr.ecr.${region}.amazonaws.com/${imageRepository}`,
  ARCHITECTURE: process.arch === "arm64" ? "arm64" : "x86_64",
  MLFLOW_URI: mlflow,
  ...(await createToolingAccount(endpoint, secrets)),
  ...(await createEnvironmentAccount(endpoint, "stage", url)),
  ...(await createEnvironmentAccount(endpoint, "prod", url)),
});
export type AccountVariables = Awaited<ReturnType<typeof createAccounts>>;
