import { createPushLog } from "#domain/approval/push-log.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createDeliveries } from "#worlds/aws/deliveries.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createHttpHandler, isHttpEvent } from "#worlds/aws/http-handler.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { createGitHubWebhookHandler } from "./github-webhook-handler.ts";
import { listStartedDeliveries } from "./list-started-deliveries.ts";
import { createPushEventHandler, createPushHandler } from "./push-handler.ts";
import { startDelivery } from "./start-delivery.ts";

const env = readEnv(Env);
const world = openCapabilities(env);
const pushes = createPushLog(world);
const platform = { source: createSource(world), deliveries: createDeliveries(world), pushes };
const start = startDelivery({ ...world, ...platform, runtimeOf: "platform" });
const from = { repository: env.SOURCE_REPOSITORY, branch: env.SOURCE_BRANCH, runtime: env.RUNTIME_DIGEST };
const secrets = readRotatedSecret(world.secrets, "GITHUB_WEBHOOK_SECRET");
const push = createPushHandler(from, { start, pushes });
const webhook = createHttpHandler(createGitHubWebhookHandler({ secrets, push }));
const direct = createPushEventHandler(from)({ start, pushes });
// Only API Gateway can send an HTTP event: a request by its route never counts as a direct invocation.
const receive = async (event: unknown) => (isHttpEvent(event) ? webhook(event) : direct(event));

export const handler = createFunctionHandler("start-delivery", receive, { each: listStartedDeliveries });
