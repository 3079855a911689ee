import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createSecrets } from "#worlds/aws/secrets.ts";
import { createSlack } from "#worlds/aws/slack.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { notify } from "./notify.ts";

const env = readEnv(Env);
const clock = Date.now;
const slack = createSlack({ env, secrets: createSecrets({ env, clock }), clock });

export const handler = createFunctionHandler("notify", notify({ slack, channel: env.SLACK_CHANNEL }));
