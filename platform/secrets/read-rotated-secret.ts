import { SecretMissing, type Secrets } from "./secrets.ts";

/** The values that a secret has: `name`, and `<name>_PREVIOUS` while it is rotated. */
export const readRotatedSecret = (secrets: Secrets, name: string) => async (): Promise<readonly string[]> => {
  const previous = secrets.read(`${name}_PREVIOUS`).catch((fault: unknown) => {
    if (fault instanceof SecretMissing) return undefined;
    throw fault;
  });
  return (await Promise.all([secrets.read(name), previous])).filter((secret) => secret !== undefined);
};
