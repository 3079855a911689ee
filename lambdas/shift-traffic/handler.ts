import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { prodServing } from "#worlds/aws/serving-of.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { shiftTraffic } from "./shift-traffic.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const needs = {
  source: sourceOf(env, secrets),
  policy: platformPolicy({ store }),
  ledger: ledger({ store }),
  messages: slackMessages({ env, secrets, store, clock }),
  clock,
};

export const handler = stepHandler(
  "shift-traffic",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    return shiftTraffic({ ...needs, serving: { prod: prodServing({ env, sts, session, clock }) } })(event);
  },
  { environment: "prod" },
);
