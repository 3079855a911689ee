import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { claims } from "../../domain/claims.ts";
import { ledger } from "../../domain/ledger.ts";
import { outcomes } from "../../domain/outcomes.ts";
import { platformPolicy } from "../../domain/policy/platform-policy.ts";
import { noProvenance } from "../../domain/provenance/no-provenance.ts";
import { stepFunctionsDeliveries } from "../../platform/deliveries/step-functions.ts";
import { ecrRepository } from "../../platform/images/ecr.ts";
import { keptSecrets } from "../../platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "../../platform/secrets/ssm.ts";
import { dynamodbStore } from "../../platform/store/dynamodb.ts";
import { deliveryMetrics } from "../delivery-metrics.ts";
import { moveChampion } from "../move-champion/move-champion.ts";
import { readEnv } from "../read-env.ts";
import { registryOf } from "../registry-of.ts";
import { reportOutcome } from "../report-outcome/report-outcome.ts";
import { rollBack } from "../roll-back/roll-back.ts";
import { servingOf } from "../serving-of.ts";
import { slackMessages } from "../slack-messages.ts";
import { sourceOf } from "../source-of.ts";
import { stepHandler } from "../step-handler.ts";
import { taskApprovals } from "../task-approvals.ts";
import { warn } from "../warn.ts";
import { Env } from "./env.ts";
import { sweepDeliveries } from "./sweep-deliveries.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = stepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = sourceOf(env, secrets);
const policy = platformPolicy({ store });
const registry = registryOf(env, clock);
const images = ecrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });
const metrics = deliveryMetrics(env, clock);
const serving = servingOf({ env, sts: new STSClient({}), session: "sweep-deliveries", clock });
const records = { claims: claims({ store }), ledger: ledger({ store }), outcomes: outcomes({ store }) };
const approvals = taskApprovals({ env, store, deliveries });
const messages = slackMessages({ env, secrets, store, clock });
const told = { approvals, messages, metrics, warn };
const needs = {
  ...records,
  provenance: noProvenance,
  ...told,
  deliveries,
  serving,
  source,
  policy,
  registry,
  clock,
};
const steps = { rollBack: rollBack(needs), moveChampion: moveChampion({ ...needs, images }) };
const sweep = sweepDeliveries({ ...needs, ...steps, reportOutcome: reportOutcome(needs) });

export const handler = stepHandler("sweep-deliveries", sweep, { each: ({ deliveries }) => deliveries });
