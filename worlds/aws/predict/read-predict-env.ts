import { join } from "node:path";
import type { Env } from "#lambdas/predict/env.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The bytes of a key in base64, 32 to 64 of them. */
const decodeHashKey = (text: string) => {
  const key = Buffer.from(text, "base64");
  return key.length >= 32 && key.length <= 64 && key.toString("base64") === text ? key : undefined;
};

/** The environment where all that is set is plainly as its schema wants it; undefined where only the schema can tell. */
const readWithoutSchema = (variables: Variables): Env | undefined => {
  const {
    MODEL_DIRECTORY = join(import.meta.dirname, "model"),
    SLIPWAY_MODEL = "",
    SLIPWAY_MODEL_VERSION = "",
    SLIPWAY_DIGEST = "",
    SLIPWAY_ENVIRONMENT,
    RECORDS_TABLE,
    RECORDS_BUCKET,
    RECORDS_HASH_KEY,
    RECORDS_HASH_KEY_PARAMETER,
    AWS_LAMBDA_FUNCTION_VERSION = "$LATEST",
  } = variables;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(SLIPWAY_MODEL) || !/^[1-9]\d{0,8}$/.test(SLIPWAY_MODEL_VERSION))
    return undefined;
  if (!/^sha256:[0-9a-f]{64}$/.test(SLIPWAY_DIGEST)) return undefined;
  if (SLIPWAY_ENVIRONMENT !== "stage" && SLIPWAY_ENVIRONMENT !== "prod") return undefined;
  if (
    [
      MODEL_DIRECTORY,
      RECORDS_TABLE,
      RECORDS_BUCKET,
      RECORDS_HASH_KEY_PARAMETER,
      AWS_LAMBDA_FUNCTION_VERSION,
    ].includes("")
  )
    return undefined;
  const key = RECORDS_HASH_KEY === undefined ? undefined : decodeHashKey(RECORDS_HASH_KEY);
  if (RECORDS_HASH_KEY !== undefined && key === undefined) return undefined;
  return {
    MODEL_DIRECTORY,
    SLIPWAY_MODEL,
    SLIPWAY_MODEL_VERSION: Number(SLIPWAY_MODEL_VERSION),
    SLIPWAY_DIGEST,
    SLIPWAY_ENVIRONMENT,
    ...(RECORDS_TABLE === undefined ? {} : { RECORDS_TABLE }),
    ...(RECORDS_BUCKET === undefined ? {} : { RECORDS_BUCKET }),
    ...(key === undefined ? {} : { RECORDS_HASH_KEY: key }),
    ...(RECORDS_HASH_KEY_PARAMETER === undefined ? {} : { RECORDS_HASH_KEY_PARAMETER }),
    AWS_LAMBDA_FUNCTION_VERSION,
  };
};

/**
 * The function's environment by its `Env`. One that is in order is read without the schema, which would take a third of
 * what a cold start may; of any other the schema says what is wrong. Throws EnvironmentIncomplete.
 */
export const readPredictEnv = async (variables: Variables): Promise<Env> => {
  const env = readWithoutSchema(variables);
  if (env) return env;
  const [{ Env }, { readEnv }] = await Promise.all([
    import("#lambdas/predict/env.ts"),
    import("#worlds/aws/environment/read-env.ts"),
  ]);
  return readEnv(Env, variables);
};
