import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { claims } from "#domain/claims/claims.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { stepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { Subject } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { provenanceOf } from "#worlds/aws/provenance-of.ts";
import { registryOf } from "#worlds/aws/registry-of.ts";
import { servingOf } from "#worlds/aws/serving-of.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { taskApprovals } from "#worlds/aws/task-approvals.ts";
import { warn } from "#worlds/aws/warn.ts";
import { Env } from "./env.ts";
import { rollBack } from "./roll-back.ts";

const env = readEnv(Env);
const clock = Date.now;
const sts = new STSClient({});
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = stepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = sourceOf(env, secrets);
const policy = platformPolicy({ store });
const registry = registryOf(env, clock);
const records = {
  ledger: ledger({ store }),
  claims: claims({ store }),
  approvals: taskApprovals({ env, store, deliveries }),
};
const needs = { ...records, provenance: provenanceOf(env), source, policy, registry, warn };

export const handler = stepHandler("roll-back", (event: unknown) => {
  const session = Subject.parse(event).delivery;
  return rollBack({ ...needs, serving: servingOf({ env, sts, session, clock }) })(event);
});
