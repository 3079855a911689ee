import type { STSClient } from "@aws-sdk/client-sts";
import { type AssumedRole, assumeRole } from "#platform/serving/assume-role.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";

/** The operator's role in an environment. */
export const readOperatorRole = (environment: Environment, outputs: AwsOutputs) =>
  environment === "stage"
    ? { roleArn: outputs.STAGE_ROLE_ARN, externalId: outputs.STAGE_EXTERNAL_ID }
    : { roleArn: outputs.PROD_ROLE_ARN, externalId: outputs.PROD_EXTERNAL_ID };

/** Credentials of the operator in an environment. Throws RoleNotAssumed. */
export const assumeEnvironment = (
  sts: STSClient,
  environment: Environment,
  outputs: AwsOutputs,
): Promise<AssumedRole> =>
  assumeRole({
    sts,
    ...readOperatorRole(environment, outputs),
    session: "slipway-doctor",
    clock: Date.now,
  })();
