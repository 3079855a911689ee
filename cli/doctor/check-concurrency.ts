import { GetAccountSettingsCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { STSClient } from "@aws-sdk/client-sts";
import { RoleNotAssumed } from "#platform/serving/assume-role.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { assumeEnvironment } from "./assume-environment.ts";
import type { DoctorFinding } from "./finding.ts";

/** A request with an API key runs two functions: the authorizer, then the model. */
const functionsPerRequest = 2;
/** New accounts have 10; AWS's usual quota is 1,000. */
const fewFunctions = 100;
/** "Concurrent executions" of Lambda in Service Quotas. */
const quotaCode = "L-B99A9384";

/** Judges how many functions an environment's account may run at once. */
export const describeConcurrency = (environment: Environment, functions: number): DoctorFinding => {
  const requests = Math.floor(functions / functionsPerRequest);
  const sentence = `${environment} may run ${functions} functions at once, so ${requests} requests with an API key.`;
  return functions >= fewFunctions
    ? { status: "ok", sentence }
    : {
        status: "warning",
        sentence,
        remedy: `AWS raises it on request, within a day or two: aws service-quotas request-service-quota-increase --service-code lambda --quota-code ${quotaCode} --desired-value 1000, with a profile of ${environment}'s account.`,
      };
};

/**
 * Undefined where the role cannot be assumed: checkEnvironment reports that.
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
 */
export const checkConcurrency = async (
  sts: STSClient,
  environment: Environment,
  outputs: AwsOutputs,
): Promise<DoctorFinding | undefined> => {
  const credentials = await assumeEnvironment(sts, environment, outputs).catch((error: unknown) => {
    if (error instanceof RoleNotAssumed) return undefined;
    throw error;
  });
  if (credentials === undefined) return undefined;
  const { AccountLimit } = await new LambdaClient({ credentials }).send(new GetAccountSettingsCommand({}));
  return describeConcurrency(environment, AccountLimit?.ConcurrentExecutions ?? 0);
};
