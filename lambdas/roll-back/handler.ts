import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { warn } from "#worlds/aws/warn.ts";
import { Env } from "./env.ts";
import { rollBack } from "./roll-back.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = createSource(env, secrets);
const policy = createPlatformPolicy({ store });
const registry = createRegistry(env, clock);
const records = {
  ledger: createLedger({ store }),
  claims: createClaims({ store }),
  approvals: createAwsApprovals({ env, store, deliveries }),
};
const needs = { ...records, provenance: createAwsProvenanceStore(env), source, policy, registry, warn };

export const handler = createStepHandler("roll-back", (event: unknown) => {
  const session = Subject.parse(event).delivery;
  return rollBack({ ...needs, serving: createServing({ env, sts, session, clock }) })(event);
});
