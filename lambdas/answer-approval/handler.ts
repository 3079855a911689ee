import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { outcomes } from "#domain/delivery/outcomes.ts";
import { stepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { rotatedSecrets } from "#platform/secrets/rotated-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { slackClient } from "#slack/slack-client.ts";
import { deliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { overHttp } from "#worlds/aws/over-http.ts";
import { slackMessages } from "#worlds/aws/slack-messages.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { taskApprovals } from "#worlds/aws/task-approvals.ts";
import { warn } from "#worlds/aws/warn.ts";
import { answerApproval } from "./answer-approval.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = stepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const slack = slackClient({ secrets, apiUrl: env.SLACK_API_URL });
const records = {
  approvals: taskApprovals({ env, store, deliveries }),
  outcomes: outcomes({ store }),
  messages: slackMessages({ env, secrets, store, clock }),
};
const app = {
  teamId: env.SLACK_TEAM_ID,
  appId: env.SLACK_APP_ID,
  signingSecrets: rotatedSecrets(secrets, "SLACK_SIGNING_SECRET"),
};

export const handler = stepHandler(
  "answer-approval",
  overHttp(answerApproval({ ...records, ...app, slack, metrics: deliveryMetrics(env, clock), clock, warn })),
);
