import { SSMClient } from "@aws-sdk/client-ssm";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = { readonly env: GroupVariables<"secrets">; readonly clock: () => number };

/** Secrets by their parameters' names without the environment's prefix; each is read once and cached for a while. */
export const createSecrets = ({ env, clock }: Needs): Secrets =>
  cacheSecrets(createSsmSecrets({ client: new SSMClient({}), prefix: env.SECRETS_PREFIX }), clock);
