import { ApiGatewayV2Client, GetApiCommand } from "@aws-sdk/client-apigatewayv2";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type AssumedRole, assumeRole, RoleNotAssumed } from "#platform/serving/assume-role.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Whether an environment's role can be taken on with its external id, in the right account, and its HTTP API is there. */
export const checkEnvironment = async (
  sts: STSClient,
  environment: Environment,
  outputs: AwsOutputs,
): Promise<DoctorFinding> => {
  const [roleArn, externalId, apiId] =
    environment === "stage"
      ? [outputs.STAGE_ROLE_ARN, outputs.STAGE_EXTERNAL_ID, outputs.STAGE_HTTP_API_ID]
      : [outputs.PROD_ROLE_ARN, outputs.PROD_EXTERNAL_ID, outputs.PROD_HTTP_API_ID];
  const account = outputs.ACCOUNTS[environment];
  let credentials: AssumedRole;
  try {
    credentials = await assumeRole({
      sts,
      roleArn,
      externalId,
      session: "slipway-doctor",
      clock: Date.now,
    })();
  } catch (fault) {
    if (!(fault instanceof RoleNotAssumed)) throw fault;
    return {
      status: "missing",
      sentence: `${environment} cannot be reached: ${roleArn} refuses you or its external id.`,
      remedy: `Add your role to \`operators\` in terraform/config.ts, or apply the stack \`serving-${environment}\` again: its trust policy has to name both.`,
    };
  }
  const { Account } = await new STSClient({ credentials }).send(new GetCallerIdentityCommand({}));
  if (Account !== account)
    return {
      status: "missing",
      sentence: `The role for ${environment} lies in account ${Account}, and ${environment} is ${account}.`,
      remedy: "Apply the stack `delivery` again: its outputs name another role than the environment has.",
    };
  try {
    await new ApiGatewayV2Client({ credentials }).send(new GetApiCommand({ ApiId: apiId }));
  } catch (fault) {
    if (!(fault instanceof Error && fault.name === "NotFoundException")) throw fault;
    return {
      status: "missing",
      sentence: `${environment} has no HTTP API ${apiId}: applications reach no model there.`,
      remedy: `Apply the stack \`serving-${environment}\`, then \`delivery\`, which tells its new id to the steps.`,
    };
  }
  return {
    status: "ok",
    sentence: `${environment} is account ${account}: its role and its HTTP API can be reached.`,
  };
};
