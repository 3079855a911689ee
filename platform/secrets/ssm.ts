import { GetParameterCommand, ParameterNotFound, type SSMClient } from "@aws-sdk/client-ssm";
import { callAws } from "#platform/errors/call-aws.ts";
import { formatPutParameter } from "./format-put-parameter.ts";
import { SecretMissing, type Secrets } from "./secrets.ts";

/**
 * Secrets as SecureString parameters `<prefix><name>` of SSM's Parameter Store; an example of a prefix is `/slipway/`.
 * A blank parameter counts as missing: an empty key would let anyone sign.
 */
export const createSsmSecrets = (needs: {
  readonly client: SSMClient;
  readonly prefix: string;
}): Secrets => ({
  read: async (name) => {
    const parameter = `${needs.prefix}${name}`;
    const remedy = formatPutParameter(parameter);
    const value = await callAws("SSM GetParameter", async () => {
      try {
        const response = await needs.client.send(
          new GetParameterCommand({ Name: parameter, WithDecryption: true }),
        );
        return response.Parameter?.Value;
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) throw error;
        throw new SecretMissing(`${parameter} is not in the Parameter Store: ${remedy}`, { cause: error });
      }
    });
    if (value === undefined || value.trim() === "")
      throw new SecretMissing(`${parameter} is empty in the Parameter Store: ${remedy}`);
    return value;
  },
});
