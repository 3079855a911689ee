import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { createEcrRepository } from "#platform/images/ecr.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createSource } from "#worlds/aws/source.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { warn } from "#worlds/aws/warn.ts";
import { Env } from "./env.ts";
import { sweepDeliveries } from "./sweep-deliveries.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = createSource(env, secrets);
const registry = createRegistry(env, clock);
const images = createEcrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });
const metrics = createDeliveryMetrics(env, clock);
const serving = createServing({ env, sts: new STSClient({}), session: "sweep-deliveries", clock });
const records = {
  claims: createClaims({ store }),
  ledger: createLedger({ store }),
  outcomes: createOutcomes({ store }),
};
const approvals = createAwsApprovals({ env, store, deliveries });
const messages = createSlackMessages({ env, secrets, store, clock });
const reporting = { approvals, messages, metrics, warn };
const platform = { deliveries, serving, source, registry, provenance: createAwsProvenanceStore(env) };
const needs = { ...records, ...reporting, ...platform, policy: createPlatformPolicy({ store }), clock };
const steps = { rollBack: rollBack(needs), moveChampion: moveChampion({ ...needs, images }) };
const sweep = sweepDeliveries({ ...needs, ...steps, reportOutcome: reportOutcome(needs) });

export const handler = createStepHandler("sweep-deliveries", sweep, { each: ({ deliveries }) => deliveries });
