import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { reportOutcome } from "./report-outcome.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const metrics = createDeliveryMetrics(env, clock);

export const handler = createStepHandler(
  "report-outcome",
  reportOutcome({
    outcomes: createOutcomes({ store }),
    claims: createClaims({ store }),
    messages: createSlackMessages({ env, secrets, store, clock }),
    metrics,
    clock,
  }),
);
