import { ApiGatewayV2Client, CreateApiCommand } from "@aws-sdk/client-apigatewayv2";
import { DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { CreateRepositoryCommand, ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";
import { CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import * as z from "zod";
import { formatFunctionArn } from "#cli/doctor/function-arn.ts";
import { toolingFunctions } from "#cli/doctor/tooling-functions.ts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { defineDelivery, stepNames } from "#statemachine/delivery.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { type AwsOutputs, outputsParameter } from "#worlds/aws/environment/aws-outputs.ts";
import { buildEnvironmentImage, createBuildProject } from "./create-build-project.ts";
import { createRole } from "./create-role.ts";
import { motoClientConfig } from "./moto.ts";
import { prepareDeliveryAccount } from "./prepare-delivery-account.ts";

const setupAccount = "123456789012";
const buildProject = "slipway-images";

/** Creates an environment's account: the role that people assume, the functions' role, and the HTTP API. */
const createEnvironment = async (endpoint: string, account: string, externalId: string) => {
  const roleArn = await createRole(endpoint, account, "slipway-operator", {
    account: setupAccount,
    externalId,
  });
  const functionRole = await createRole(endpoint, account, "slipway-inference", {
    service: "lambda.amazonaws.com",
  });
  const sts = new STSClient(motoClientConfig(endpoint));
  const session = "setup";
  const credentials = assumeRole({ sts, roleArn, externalId, session, clock: Date.now });
  const api = new ApiGatewayV2Client({ ...motoClientConfig(endpoint), credentials });
  const { ApiId = "" } = await api.send(new CreateApiCommand({ Name: "models", ProtocolType: "HTTP" }));
  return { roleArn, functionRole, ApiId };
};

/**
 * Creates Terraform's resources in moto: the tooling account with everything that `slipway doctor` checks, and the two
 * environments. `addresses`: the stubs of Slack and MLflow. Functions do not run here.
 */
export const createAwsResources = async (
  endpoint: string,
  addresses: { readonly slack: string; readonly mlflow: string },
): Promise<AwsOutputs> => {
  const client = motoClientConfig(endpoint);
  await prepareDeliveryAccount(endpoint);
  await new DynamoDBClient(client).send(
    new UpdateTimeToLiveCommand({
      TableName: handlerEnvironment.DELIVERY_TABLE,
      TimeToLiveSpecification: { Enabled: true, AttributeName: "expiresAt" },
    }),
  );
  const stage = await createEnvironment(endpoint, "111122223333", handlerEnvironment.STAGE_EXTERNAL_ID);
  const prod = await createEnvironment(endpoint, "444455556666", handlerEnvironment.PROD_EXTERNAL_ID);
  const ecr = new ECRClient(client);
  await ecr.send(new CreateRepositoryCommand({ repositoryName: "slipway", imageTagMutability: "IMMUTABLE" }));
  const { image } = await ecr.send(
    new PutImageCommand({
      repositoryName: "slipway",
      imageTag: "first",
      imageManifest: JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: { size: 1, digest: "sha256:0" },
        layers: [{ size: 1_000, digest: "sha256:1" }],
      }),
    }),
  );
  await createBuildProject(endpoint, {
    name: buildProject,
    role: `arn:aws:iam::${setupAccount}:role/slipway-images-build`,
    baseImage: `public.ecr.aws/lambda/nodejs:24@sha256:${"e".repeat(64)}`,
  });
  const outputs: AwsOutputs = {
    ...handlerEnvironment,
    STAGE_LOG_RETENTION_DAYS: 90,
    PROD_LOG_RETENTION_DAYS: 90,
    METRICS_NAMESPACE: "Slipway/Deliveries",
    MLFLOW_AUTH: "none",
    SOURCE_BRANCH: "main",
    FIRST_DIGEST: z.string().parse(image?.imageId?.imageDigest),
    SLACK_API_URL: addresses.slack,
    MLFLOW_URI: addresses.mlflow,
    STAGE_ROLE_ARN: stage.roleArn,
    STAGE_FUNCTION_ROLE_ARN: stage.functionRole,
    STAGE_HTTP_API_ID: stage.ApiId,
    PROD_ROLE_ARN: prod.roleArn,
    PROD_FUNCTION_ROLE_ARN: prod.functionRole,
    PROD_HTTP_API_ID: prod.ApiId,
    ACCOUNTS: { tooling: setupAccount, stage: "111122223333", prod: "444455556666" },
    BUILD_PROJECT: buildProject,
    BUILD_IMAGE: buildEnvironmentImage,
    SLACK_CALLBACK_URL: `${addresses.slack}callback`,
    // This installation has no console.
    CONSOLE_URL: undefined,
  };
  const role = await createRole(endpoint, setupAccount, "slipway", { service: "lambda.amazonaws.com" });
  const lambda = new LambdaClient(client);
  const values = Object.entries(outputs).flatMap(([name, value]) =>
    typeof value === "object" || value === undefined ? [] : [[name, String(value)] as const],
  );
  for (const [name, Env] of Object.entries(toolingFunctions))
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: `slipway-${name}`,
        Role: role,
        Runtime: "nodejs22.x",
        Handler: "index.handler",
        Code: { ZipFile: new Uint8Array([80, 75, 5, 6, ...new Uint8Array(18)]) },
        Environment: { Variables: Object.fromEntries(values.filter(([variable]) => variable in Env.shape)) },
      }),
    );
  const arns = stepNames.map((step) => [step, formatFunctionArn(outputs.STATE_MACHINE_ARN, step)]);
  const functions = z.record(z.enum(stepNames), z.string()).parse(Object.fromEntries(arns));
  await new SFNClient(client).send(
    new CreateStateMachineCommand({
      name: "slipway",
      roleArn: role,
      definition: JSON.stringify(defineDelivery({ functions, buildProject })),
    }),
  );
  await new SSMClient(client).send(
    new PutParameterCommand({ Name: outputsParameter, Type: "String", Value: JSON.stringify(outputs) }),
  );
  return outputs;
};
