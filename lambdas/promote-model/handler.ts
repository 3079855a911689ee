import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createProdServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { promoteModel } from "./promote-model.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const needs = {
  ledger: createLedger({ store }),
  claims: createClaims({ store }),
  approvals: createApprovalReader({ store }),
  messages: createSlackMessages({ env, secrets, store, clock }),
  clock,
};

export const handler = createStepHandler(
  "promote-model",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    return promoteModel({ ...needs, serving: { prod: createProdServing({ env, sts, session, clock }) } })(
      event,
    );
  },
  { environment: "prod" },
);
