import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { outcomes } from "../../domain/outcomes.ts";
import { stepFunctionsDeliveries } from "../../platform/deliveries/step-functions.ts";
import { keptSecrets } from "../../platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "../../platform/secrets/ssm.ts";
import { signingSecrets } from "../../platform/slack/signing-secrets.ts";
import { slackClient } from "../../platform/slack/slack-client.ts";
import { dynamodbStore } from "../../platform/store/dynamodb.ts";
import { deliveryMetrics } from "../delivery-metrics.ts";
import { overHttp } from "../over-http.ts";
import { readEnv } from "../read-env.ts";
import { slackMessages } from "../slack-messages.ts";
import { stepHandler } from "../step-handler.ts";
import { taskApprovals } from "../task-approvals.ts";
import { warn } from "../warn.ts";
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
const app = { teamId: env.SLACK_TEAM_ID, appId: env.SLACK_APP_ID, signingSecrets: signingSecrets(secrets) };

export const handler = stepHandler(
  "answer-approval",
  overHttp(answerApproval({ ...records, ...app, slack, metrics: deliveryMetrics(env, clock), clock, warn })),
);
