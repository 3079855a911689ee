import { SecretMissing, type Secrets } from "#platform/secrets/secrets.ts";
import type { DoctorFinding } from "./finding.ts";

/** Terraform's placeholder, until a person sets the value. */
const placeholder = /^unset-/;

/** Checks that a secret of either world has a value; never shows it. */
export const checkSlackSecret = async (
  secrets: Secrets,
  name: "SLACK_BOT_TOKEN" | "SLACK_SIGNING_SECRET",
): Promise<DoctorFinding> => {
  try {
    return placeholder.test(await secrets.read(name))
      ? {
          status: "missing",
          sentence: `The secret ${name} has no value yet.`,
          remedy: "Set it (docs/infrastructure.md, step 5).",
        }
      : { status: "ok", sentence: `The secret ${name} has a value.` };
  } catch (error) {
    if (!(error instanceof SecretMissing)) throw error;
    return {
      status: "missing",
      sentence: `The secret ${name} is missing or empty.`,
      remedy: error.message,
    };
  }
};
