import { ApiGatewayV2Client, GetApiCommand } from "@aws-sdk/client-apigatewayv2";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type AssumedRole, RoleNotAssumed } from "#platform/serving/assume-role.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { assumeEnvironment, readOperatorRole } from "./assume-environment.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks that the environment's role can be assumed, is in the right account, and that the HTTP API exists. */
export const checkEnvironment = async (
  sts: STSClient,
  environment: Environment,
  outputs: AwsOutputs,
): Promise<DoctorFinding> => {
  const { roleArn } = readOperatorRole(environment, outputs);
  const apiId = environment === "stage" ? outputs.STAGE_HTTP_API_ID : outputs.PROD_HTTP_API_ID;
  const account = outputs.ACCOUNTS[environment];
  let credentials: AssumedRole;
  try {
    credentials = await assumeEnvironment(sts, environment, outputs);
  } catch (error) {
    if (!(error instanceof RoleNotAssumed)) throw error;
    return {
      status: "missing",
      sentence: `${environment} is not accessible: ${roleArn} refuses you or its external id.`,
      remedy: `Add your role to \`operators\` in terraform/config.ts, or apply the stack \`serving-${environment}\` again: the role's trust policy must have both.`,
    };
  }
  const { Account } = await new STSClient({ credentials }).send(new GetCallerIdentityCommand({}));
  if (Account !== account)
    return {
      status: "missing",
      sentence: `The role of ${environment} is in account ${Account}, but ${environment} is account ${account}.`,
      remedy: "Apply the stack `delivery` again: its outputs have another role than the environment.",
    };
  try {
    await new ApiGatewayV2Client({ credentials }).send(new GetApiCommand({ ApiId: apiId }));
  } catch (error) {
    if (!(error instanceof Error && error.name === "NotFoundException")) throw error;
    return {
      status: "missing",
      sentence: `${environment} has no HTTP API ${apiId}: applications cannot call models there.`,
      remedy: `Apply the stack \`serving-${environment}\`, then \`delivery\`, which passes the new id to the steps.`,
    };
  }
  return {
    status: "ok",
    sentence: `${environment} is account ${account}: its role and its HTTP API are accessible.`,
  };
};
