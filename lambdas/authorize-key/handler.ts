import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { log } from "#worlds/aws/log.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { authorizeKey } from "./authorize-key.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const clock = Date.now;
// An application's request waits here, so that a slow store counts as a failed one.
const requestHandler = { connectionTimeout: 300, requestTimeout: 700, throwOnRequestTimeout: true };
const client = new DynamoDBClient({ maxAttempts: 2, requestHandler });
const store = createDynamoDbStore({ client, table: env.KEYS_TABLE, clock });
const keys = createApiKeyStore({ store, random: randomBytes, clock });
const limiter = createRateLimiter({ store, clock, warn });
const logRefusal = (refusal: object) => log.info("API key refused", { ...refusal });

export const handler = authorizeKey({
  admit: admitKey({ keys, limiter, environment: env.SLIPWAY_ENVIRONMENT, warn, logRefusal }),
});
