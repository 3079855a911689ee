import { SsmParameter } from "@cdktn/provider-aws/lib/ssm-parameter/index.js";
import type { Construct } from "constructs";

type Needs = {
  readonly name: string;
  readonly description: string;
  /** ARN of the account's key. */
  readonly key: string;
  /** The first value; write-only, so that no state and no plan contains it. */
  readonly value: string;
};

/**
 * A SecureString parameter whose value people replace. SSM keeps its key as the last writer wrote it, and people write
 * the alias. Terraform would plan to put its ARN back, with an empty value, which SSM refuses: so it ignores the key.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
export const addSecretParameter = (
  scope: Construct,
  id: string,
  { name, description, key, value }: Needs,
): SsmParameter =>
  new SsmParameter(scope, id, {
    name,
    description,
    type: "SecureString",
    keyId: key,
    valueWo: value,
    valueWoVersion: 1,
    lifecycle: { ignoreChanges: ["key_id"] },
  });
