import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { deployModel } from "./deploy-model.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const source = createSource(env, secrets);
const policy = createPlatformPolicy({ store });
const records = {
  ledger: createLedger({ store }),
  claims: createClaims({ store }),
  approvals: createApprovalReader({ store }),
};
const needs = { ...records, source, policy, provenance: createAwsProvenanceStore(env), clock };

export const handler = createStepHandler("deploy-model", (event: unknown) => {
  const session = Subject.parse(event).delivery;
  return deployModel({ ...needs, serving: createServing({ env, sts, session, clock }) })(event);
});
