import { SSMClient } from "@aws-sdk/client-ssm";
import { keptSecrets } from "#platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "#platform/secrets/ssm.ts";
import { slackClient } from "#slack/slack-client.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { notify } from "./notify.ts";

const env = readEnv(Env);
const client = new SSMClient({});
const secrets = keptSecrets(ssmSecrets({ client, prefix: env.SECRETS_PREFIX }), Date.now);
const slack = slackClient({ secrets, apiUrl: env.SLACK_API_URL });

export const handler = stepHandler("notify", notify({ slack, channel: env.SLACK_CHANNEL }));
