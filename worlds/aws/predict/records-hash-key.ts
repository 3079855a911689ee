type Env = {
  readonly RECORDS_HASH_KEY?: Uint8Array | undefined;
  readonly RECORDS_HASH_KEY_PARAMETER?: string | undefined;
};

/**
 * Reads the key under which records hash inputs. On AWS it is a parameter, not a variable: everyone who may view the
 * function sees its variables, they stay in its versions, and with the key hashed rows can be looked up. The first
 * record that needs the key reads it, so that no start of the function waits for it. Undefined without a key.
 */
export const createHashKeyReader = (env: Env): (() => Promise<Uint8Array>) | undefined => {
  const { RECORDS_HASH_KEY: key, RECORDS_HASH_KEY_PARAMETER: parameter } = env;
  if (key !== undefined) return async () => key;
  if (parameter === undefined) return undefined;
  let keyPromise: Promise<Uint8Array> | undefined;
  const readKey = async (): Promise<Uint8Array> => {
    const [{ SSMClient }, { createSsmSecrets }, { HashKey }] = await Promise.all([
      import("@aws-sdk/client-ssm"),
      import("#platform/secrets/ssm.ts"),
      import("#lambdas/predict/env.ts"),
    ]);
    return HashKey.parse(await createSsmSecrets({ client: new SSMClient(), prefix: "" }).read(parameter));
  };
  return () => {
    keyPromise ??= readKey().catch((error: unknown) => {
      // The next record tries again.
      keyPromise = undefined;
      throw error;
    });
    return keyPromise;
  };
};
