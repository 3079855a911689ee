import type { SSMClient } from "@aws-sdk/client-ssm";
import { SecretMissing } from "#platform/secrets/secrets.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** What Terraform puts there until a person puts the value. */
const placeholder = /^unset-/;

/** Whether a secret has a value; the value is never shown. */
export const checkSecret = async (
  client: SSMClient,
  name: string,
  { SECRETS_PREFIX: prefix }: AwsOutputs,
): Promise<DoctorFinding> => {
  const parameter = `${prefix}${name}`;
  const remedy = `Put it there: aws ssm put-parameter --type SecureString --overwrite --name ${parameter} --value …`;
  try {
    const value = await createSsmSecrets({ client, prefix }).read(name);
    return placeholder.test(value)
      ? { status: "missing", sentence: `The secret ${parameter} was never given a value.`, remedy }
      : { status: "ok", sentence: `The secret ${parameter} has a value.` };
  } catch (fault) {
    if (!(fault instanceof SecretMissing)) throw fault;
    return { status: "missing", sentence: `The secret ${parameter} is missing or empty.`, remedy };
  }
};
