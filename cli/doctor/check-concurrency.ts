import { GetAccountSettingsCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { Environment } from "#platform/serving/serving.ts";
import type { DoctorFinding } from "./finding.ts";
import type { EnvironmentAccess } from "./open-environment.ts";

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
 * Undefined where the account is not accessible: another check reports that.
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
 */
export const checkConcurrency = async (
  access: EnvironmentAccess | undefined,
  environment: Environment,
): Promise<DoctorFinding | undefined> => {
  if (access === undefined) return undefined;
  const { AccountLimit } = await new LambdaClient(access).send(new GetAccountSettingsCommand({}));
  return describeConcurrency(environment, AccountLimit?.ConcurrentExecutions ?? 0);
};
