import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { approvalRecords } from "#domain/approval/approval-records.ts";
import { claims } from "#domain/claims/claims.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { prodServing } from "#worlds/aws/serving-of.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { promoteModel } from "./promote-model.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const needs = {
  ledger: ledger({ store }),
  claims: claims({ store }),
  approvals: approvalRecords({ store }),
  messages: slackMessages({ env, secrets, store, clock }),
  clock,
};

export const handler = stepHandler(
  "promote-model",
  (event: unknown) => {
    const session = Subject.parse(event).delivery;
    return promoteModel({ ...needs, serving: { prod: prodServing({ env, sts, session, clock }) } })(event);
  },
  { environment: "prod" },
);
