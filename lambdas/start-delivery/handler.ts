import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { createPushLog } from "#domain/approval/push-log.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createHttpHandler, isHttpEvent } from "#worlds/aws/http-handler.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { createGitHubWebhookHandler } from "./github-webhook-handler.ts";
import { listStartedDeliveries } from "./list-started-deliveries.ts";
import { createPushEventHandler, createPushHandler } from "./push-handler.ts";
import { startDelivery } from "./start-delivery.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = createSource(env, secrets);
const deliverySource = {
  repository: env.SOURCE_REPOSITORY,
  branch: env.SOURCE_BRANCH,
  runtime: env.RUNTIME_DIGEST,
};
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const record = createPushLog({ store, clock });
const start = startDelivery({ source, deliveries, pushes: record, runtimeOf: "platform", clock });
const needs = { start, pushes: record };
const webhookSecrets = readRotatedSecret(secrets, "GITHUB_WEBHOOK_SECRET");
const webhook = createHttpHandler(
  createGitHubWebhookHandler({ secrets: webhookSecrets, push: createPushHandler(deliverySource, needs) }),
);
const push = createPushEventHandler(deliverySource)(needs);

// Only API Gateway can send an HTTP event: what comes by its route is never taken for a direct invocation.
const receive = async (event: unknown) => (isHttpEvent(event) ? webhook(event) : push(event));
export const handler = createStepHandler("start-delivery", receive, { each: listStartedDeliveries });
