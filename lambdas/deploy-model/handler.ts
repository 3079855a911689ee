import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { approvalRecords } from "#domain/approval/approval-records.ts";
import { claims } from "#domain/claims/claims.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { provenanceOf } from "#worlds/aws/provenance-of.ts";
import { servingOf } from "#worlds/aws/serving-of.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { deployModel } from "./deploy-model.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = sourceOf(env, secrets);
const policy = platformPolicy({ store });
const records = {
  ledger: ledger({ store }),
  claims: claims({ store }),
  approvals: approvalRecords({ store }),
};
const needs = { ...records, source, policy, provenance: provenanceOf(env), clock };

export const handler = stepHandler("deploy-model", (event: unknown) => {
  const session = Subject.parse(event).delivery;
  return deployModel({ ...needs, serving: servingOf({ env, sts, session, clock }) })(event);
});
