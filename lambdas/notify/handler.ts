import { SSMClient } from "@aws-sdk/client-ssm";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { createSlackClient } from "#slack/slack-client.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { notify } from "./notify.ts";

const env = readEnv(Env);
const client = new SSMClient({});
const secrets = cacheSecrets(createSsmSecrets({ client, prefix: env.SECRETS_PREFIX }), Date.now);
const slack = createSlackClient({ secrets, apiUrl: env.SLACK_API_URL });

export const handler = createStepHandler("notify", notify({ slack, channel: env.SLACK_CHANNEL }));
