import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { claims } from "../../domain/claims.ts";
import { ledger } from "../../domain/ledger.ts";
import { outcomes } from "../../domain/outcomes.ts";
import { stepFunctionsDeliveries } from "../../platform/deliveries/step-functions.ts";
import { cloudwatchMetrics } from "../../platform/metrics/cloudwatch.ts";
import { mlflowRegistry } from "../../platform/registry/mlflow.ts";
import { keptSecrets } from "../../platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "../../platform/secrets/ssm.ts";
import { dynamodbStore } from "../../platform/store/dynamodb.ts";
import { emitLine } from "../emit-line.ts";
import { moveChampion } from "../move-champion/move-champion.ts";
import { readEnv } from "../read-env.ts";
import { reportOutcome } from "../report-outcome/report-outcome.ts";
import { rollBack } from "../roll-back/roll-back.ts";
import { servingOf } from "../serving-of.ts";
import { slackMessages } from "../slack-messages.ts";
import { sourceOf } from "../source-of.ts";
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
const registry = mlflowRegistry({ uri: env.MLFLOW_URI, fetch, s3: () => new S3Client({}), clock });
const namespace = env.METRICS_NAMESPACE;
const metrics = cloudwatchMetrics({ client: new CloudWatchClient({}), namespace, emit: emitLine, clock });
const serving = servingOf({ env, sts: new STSClient({}), session: "sweep-deliveries", clock });
const records = { claims: claims({ store }), ledger: ledger({ store }), outcomes: outcomes({ store }) };
const approvals = taskApprovals({ env, store, deliveries });
const messages = slackMessages({ env, secrets, store, clock });
const needs = {
  ...records,
  approvals,
  messages,
  deliveries,
  serving,
  source,
  registry,
  metrics,
  clock,
  warn,
};

export const handler = sweepDeliveries({
  ...needs,
  rollBack: rollBack(needs),
  moveChampion: moveChampion(needs),
  reportOutcome: reportOutcome(needs),
});
