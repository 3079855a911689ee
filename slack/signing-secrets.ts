import { rotatedSecrets } from "#platform/secrets/rotated-secrets.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";

/** The secrets that Slack may sign with: SLACK_SIGNING_SECRET, and SLACK_SIGNING_SECRET_PREVIOUS while they are rotated. */
export const signingSecrets = (secrets: Secrets) => rotatedSecrets(secrets, "SLACK_SIGNING_SECRET");
