import { GetParameterCommand, ParameterNotFound, type SSMClient } from "@aws-sdk/client-ssm";
import { callAws } from "#platform/errors/call-aws.ts";
import { SecretMissing, type Secrets } from "./secrets.ts";

/**
 * Secrets as SecureString parameters `<prefix><name>` of SSM's Parameter Store; `prefix` such as `/slipway/`.
 * A parameter that is blank counts as missing: an empty key signs for everybody.
 */
export const createSsmSecrets = (needs: {
  readonly client: SSMClient;
  readonly prefix: string;
}): Secrets => ({
  read: async (name) => {
    const parameter = `${needs.prefix}${name}`;
    const remedy = `aws ssm put-parameter --type SecureString --overwrite --name ${parameter} --value …`;
    const value = await callAws("SSM GetParameter", async () => {
      try {
        const answer = await needs.client.send(
          new GetParameterCommand({ Name: parameter, WithDecryption: true }),
        );
        return answer.Parameter?.Value;
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) throw error;
        throw new SecretMissing(`${parameter} is not in the Parameter Store: ${remedy}`, { cause: error });
      }
    });
    if (value === undefined || value.trim() === "")
      throw new SecretMissing(`${parameter} is in the Parameter Store but empty: ${remedy}`);
    return value;
  },
});
