/** The account's key, as people write it; terraform/stacks/bootstrap.ts creates the alias. */
const keyAlias = "alias/slipway";

/**
 * The command that sets a secret. It names the key: without it, SSM would encrypt the value under the key of AWS, which
 * Slipway's roles may not use. Terraform accepts the alias (terraform/constructs/secret-parameter/).
 */
export const formatPutParameter = (parameter: string, value = "…"): string =>
  `aws ssm put-parameter --overwrite --type SecureString --key-id ${keyAlias} --name ${parameter} --value ${value}`;
