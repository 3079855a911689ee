import {
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import type * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";
import { formatFunctionArn } from "./function-arn.ts";

/** Checks that a step's function exists, is active, and has the variables of its env.ts. */
export const checkLambdaFunction = async (
  client: LambdaClient,
  { name, Env }: { readonly name: string; readonly Env: z.ZodObject },
  outputs: AwsOutputs,
): Promise<DoctorFinding> => {
  const FunctionName = formatFunctionArn(outputs.STATE_MACHINE_ARN, name);
  const apply = "Apply the stack `delivery` from this version of Slipway.";
  try {
    const configuration = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const variables = configuration.Environment?.Variables ?? {};
    const problems = (Env.safeParse(variables).error?.issues ?? []).map(({ path }) => {
      const variable = path.join(".");
      return `${variable} is ${getOwnProperty(variables, variable) === undefined ? "not set" : "invalid"}`;
    });
    if (problems.length > 0)
      return {
        status: "missing",
        sentence: `The function slipway-${name} cannot start: ${problems.join(", ")}.`,
        remedy: apply,
      };
    if (configuration.State === "Failed" || configuration.LastUpdateStatus === "Failed")
      return {
        status: "missing",
        sentence: `The function slipway-${name} does not run: ${configuration.StateReason ?? configuration.LastUpdateStatusReason ?? "its last update failed"}.`,
        remedy: apply,
      };
    return { status: "ok", sentence: `The function slipway-${name} exists and has its variables.` };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    return { status: "missing", sentence: `There is no function slipway-${name}.`, remedy: apply };
  }
};
