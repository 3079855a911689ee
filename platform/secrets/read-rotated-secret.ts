import { SecretMissing, type Secrets } from "./secrets.ts";

/** All valid values of a secret: `name`, and during a rotation also `<name>_PREVIOUS`. */
export const readRotatedSecret = (secrets: Secrets, name: string) => async (): Promise<readonly string[]> => {
  const previous = secrets.read(`${name}_PREVIOUS`).catch((error: unknown) => {
    if (error instanceof SecretMissing) return undefined;
    throw error;
  });
  return (await Promise.all([secrets.read(name), previous])).filter((secret) => secret !== undefined);
};
