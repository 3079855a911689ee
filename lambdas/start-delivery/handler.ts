import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { pushes } from "#domain/approval/pushes.ts";
import { stepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { rotatedSecrets } from "#platform/secrets/rotated-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { isHttpEvent, overHttp } from "#worlds/aws/over-http.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { gitHubWebhook } from "./github-webhook.ts";
import { onPush, startPush } from "./on-push.ts";
import { startDelivery } from "./start-delivery.ts";
import { startedOf } from "./started-of.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = stepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = sourceOf(env, secrets);
const ours = { repository: env.SOURCE_REPOSITORY, branch: env.SOURCE_BRANCH, runtime: env.RUNTIME_DIGEST };
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const record = pushes({ store, clock });
const start = startDelivery({ source, deliveries, pushes: record, runtimeOf: "platform", clock });
const needs = { start, pushes: record };
const webhookSecrets = rotatedSecrets(secrets, "GITHUB_WEBHOOK_SECRET");
const webhook = overHttp(gitHubWebhook({ secrets: webhookSecrets, push: startPush(ours, needs) }));
const push = onPush(ours)(needs);

// Only API Gateway can send an HTTP event: what comes by its route is never taken for a direct invocation.
const receive = async (event: unknown) => (isHttpEvent(event) ? webhook(event) : push(event));
export const handler = stepHandler("start-delivery", receive, { each: startedOf });
