import type { SSMClient } from "@aws-sdk/client-ssm";
import { formatPutParameter } from "#platform/secrets/format-put-parameter.ts";
import { SecretMissing } from "#platform/secrets/secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Terraform's placeholder, until a person sets the value. */
const placeholder = /^unset-/;

/** Checks that a secret has a value; never shows it. */
export const checkSecret = async (
  client: SSMClient,
  name: string,
  { SECRETS_PREFIX: prefix }: AwsOutputs,
): Promise<DoctorFinding> => {
  const parameter = `${prefix}${name}`;
  // A key has several lines, so the command reads its file.
  const value = name === "GITHUB_APP_KEY" ? "file://<the key's file>.pem" : undefined;
  const remedy = `Set it: ${formatPutParameter(parameter, value)}`;
  try {
    const stored = await createSsmSecrets({ client, prefix }).read(name);
    return placeholder.test(stored)
      ? { status: "missing", sentence: `The secret ${parameter} has no value yet.`, remedy }
      : { status: "ok", sentence: `The secret ${parameter} has a value.` };
  } catch (error) {
    if (!(error instanceof SecretMissing)) throw error;
    return { status: "missing", sentence: `The secret ${parameter} is missing or empty.`, remedy };
  }
};
