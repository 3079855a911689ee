import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { claims } from "#domain/claims/claims.ts";
import { outcomes } from "#domain/delivery/outcomes.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { deliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { reportOutcome } from "./report-outcome.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const metrics = deliveryMetrics(env, clock);

export const handler = stepHandler(
  "report-outcome",
  reportOutcome({
    outcomes: outcomes({ store }),
    claims: claims({ store }),
    messages: slackMessages({ env, secrets, store, clock }),
    metrics,
    clock,
  }),
);
