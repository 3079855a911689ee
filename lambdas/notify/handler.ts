import { SSMClient } from "@aws-sdk/client-ssm";
import { readEnv } from "#lambdas/read-env.ts";
import { stepHandler } from "#lambdas/step-handler.ts";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { slackClient } from "#slack/slack-client.ts";
import { Env } from "./env.ts";
import { notify } from "./notify.ts";

const env = readEnv(Env);
const client = new SSMClient({});
const secrets = keptSecrets(ssmSecrets({ client, prefix: env.SECRETS_PREFIX }), Date.now);
const slack = slackClient({ secrets, apiUrl: env.SLACK_API_URL });

export const handler = stepHandler("notify", notify({ slack, channel: env.SLACK_CHANNEL }));
