import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import { stepFunctionsDeliveries } from "../../platform/deliveries/step-functions.ts";
import { keptSecrets } from "../../platform/secrets/kept-secrets.ts";
import { ssmSecrets } from "../../platform/secrets/ssm.ts";
import { readEnv } from "../read-env.ts";
import { sourceOf } from "../source-of.ts";
import { stepHandler } from "../step-handler.ts";
import { Env } from "./env.ts";
import { onPush } from "./on-push.ts";
import { startDelivery } from "./start-delivery.ts";

const env = readEnv(Env);
const clock = Date.now;
const secrets = keptSecrets(ssmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
const stateMachineArn = env.STATE_MACHINE_ARN;
const deliveries = stepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn });
const source = sourceOf(env, secrets);
const ours = { repository: env.SOURCE_REPOSITORY, branch: env.SOURCE_BRANCH, runtime: env.RUNTIME_DIGEST };

export const handler = stepHandler(
  "start-delivery",
  onPush(ours)(startDelivery({ source, deliveries, clock })),
  { each: ({ deliveries }) => deliveries.map(({ name, ...one }) => ({ delivery: name, ...one })) },
);
