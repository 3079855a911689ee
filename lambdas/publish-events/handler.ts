import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { createOutbox } from "#domain/events/outbox.ts";
import { createEventBridgeEvents } from "#platform/events/eventbridge.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { createStore } from "#worlds/aws/store.ts";
import { Env } from "./env.ts";
import { publishEvents } from "./publish-events.ts";

const world = { env: readEnv(Env), clock: Date.now };
const bus = createEventBridgeEvents({ client: new EventBridgeClient({}), bus: world.env.EVENT_BUS });
const outbox = createOutbox({ store: createStore(world), events: bus, warn });
const publish = publishEvents({ ...world, outbox, metrics: createDeliveryMetrics(world), warn });

export const handler = createFunctionHandler("publish-events", publish);
