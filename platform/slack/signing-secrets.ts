import { SecretMissing, type Secrets } from "../secrets/secrets.ts";

/** The secrets that Slack may sign with: SLACK_SIGNING_SECRET, and SLACK_SIGNING_SECRET_PREVIOUS while they are rotated. */
export const signingSecrets = (secrets: Secrets) => async (): Promise<readonly string[]> => {
  const previous = secrets.read("SLACK_SIGNING_SECRET_PREVIOUS").catch((fault: unknown) => {
    if (fault instanceof SecretMissing) return undefined;
    throw fault;
  });
  return (await Promise.all([secrets.read("SLACK_SIGNING_SECRET"), previous])).filter(
    (secret) => secret !== undefined,
  );
};
