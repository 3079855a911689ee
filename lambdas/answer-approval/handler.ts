import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createSlackClient } from "#slack/slack-client.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createHttpHandler } from "#worlds/aws/http-handler.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { warn } from "#worlds/aws/warn.ts";
import { answerApproval } from "./answer-approval.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = cacheSecrets(
  createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }),
  clock,
);
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const slack = createSlackClient({ secrets, apiUrl: env.SLACK_API_URL });
const records = {
  approvals: createAwsApprovals({ env, store, deliveries }),
  outcomes: createOutcomes({ store }),
  messages: createSlackMessages({ env, secrets, store, clock }),
};
const app = {
  teamId: env.SLACK_TEAM_ID,
  appId: env.SLACK_APP_ID,
  signingSecrets: readRotatedSecret(secrets, "SLACK_SIGNING_SECRET"),
};

export const handler = createStepHandler(
  "answer-approval",
  createHttpHandler(
    answerApproval({ ...records, ...app, slack, metrics: createDeliveryMetrics(env, clock), clock, warn }),
  ),
);
