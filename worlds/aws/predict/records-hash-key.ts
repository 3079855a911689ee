type Env = {
  readonly RECORDS_HASH_KEY?: Uint8Array | undefined;
  readonly RECORDS_HASH_KEY_PARAMETER?: string | undefined;
};

/**
 * Reads what records hash inputs under. On AWS it is a parameter, not a variable: variables are shown to whoever may look
 * at the function, and stay in its versions, while a table of rows that were hashed under a known key can be looked
 * up. It is read by the first record that needs it, and no start of the function pays for it. Undefined without a key.
 */
export const createHashKeyReader = (env: Env): (() => Promise<Uint8Array>) | undefined => {
  const { RECORDS_HASH_KEY: key, RECORDS_HASH_KEY_PARAMETER: parameter } = env;
  if (key !== undefined) return async () => key;
  if (parameter === undefined) return undefined;
  let read: Promise<Uint8Array> | undefined;
  const ask = async (): Promise<Uint8Array> => {
    const [{ SSMClient }, { createSsmSecrets }, { HashKey }] = await Promise.all([
      import("@aws-sdk/client-ssm"),
      import("#platform/secrets/ssm.ts"),
      import("#lambdas/predict/env.ts"),
    ]);
    return HashKey.parse(await createSsmSecrets({ client: new SSMClient(), prefix: "" }).read(parameter));
  };
  return () => {
    read ??= ask().catch((fault: unknown) => {
      // The next record asks again.
      read = undefined;
      throw fault;
    });
    return read;
  };
};
