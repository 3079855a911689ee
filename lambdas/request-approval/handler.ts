import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { claims } from "#domain/claims/claims.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { stepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { approversOf } from "#worlds/aws/approvers-of.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { sourceOf } from "#worlds/aws/source-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { taskApprovals } from "#worlds/aws/task-approvals.ts";
import { Env } from "./env.ts";
import { requestApproval } from "./request-approval.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const machine = { client: new SFNClient({}), stateMachineArn: env.STATE_MACHINE_ARN };
const deliveries = stepFunctionsDeliveries(machine);
const source = sourceOf(env, secrets);
const policy = platformPolicy({ store });

export const handler = stepHandler(
  "request-approval",
  requestApproval({
    approvals: taskApprovals({ env, store, deliveries }),
    claims: claims({ store }),
    ledger: ledger({ store }),
    messages: slackMessages({ env, secrets, store, clock }),
    ...{ source, policy },
    approversFor: approversOf({ env, source, store, policy, secrets, clock }),
    clock,
  }),
);
