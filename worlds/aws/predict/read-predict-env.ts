import type { Env } from "#lambdas/predict/env.ts";
import { getDefaultModelDirectory } from "#worlds/aws/environment/default-model-directory.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The 32 to 64 bytes of a key in base64. */
const decodeHashKey = (text: string) => {
  const key = Buffer.from(text, "base64");
  return key.length >= 32 && key.length <= 64 && key.toString("base64") === text ? key : undefined;
};

/** Reads an environment whose variables are all in their plain form; undefined if only the schema can decide. */
const readWithoutSchema = (variables: Variables): Env | undefined => {
  const {
    MODEL_DIRECTORY = getDefaultModelDirectory(),
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
 * Reads the function's environment by its `Env`. A valid one is read without the schema, which would take a third of a
 * cold start's limit; for any other the schema says what is wrong. Throws EnvironmentIncomplete.
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
