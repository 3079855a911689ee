import type { Env } from "#lambdas/predict/env.ts";

/** The model that predicts, as the deployment set it. */
export const readIdentity = (env: Env) => ({
  model: env.SLIPWAY_MODEL,
  version: env.SLIPWAY_MODEL_VERSION,
  digest: env.SLIPWAY_DIGEST,
  environment: env.SLIPWAY_ENVIRONMENT,
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
});
