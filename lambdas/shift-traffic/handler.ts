import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createProdServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { shiftTraffic } from "./shift-traffic.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const needs = {
  source: createSource(env, secrets),
  policy: createPlatformPolicy({ store }),
  ledger: createLedger({ store }),
  messages: createSlackMessages({ env, secrets, store, clock }),
  clock,
};

export const handler = createStepHandler(
  "shift-traffic",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    return shiftTraffic({ ...needs, serving: { prod: createProdServing({ env, sts, session, clock }) } })(
      event,
    );
  },
  { environment: "prod" },
);
