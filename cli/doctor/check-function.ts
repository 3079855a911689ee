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

/** Whether a step's function is there and active, with the variables that its env.ts asks for. */
export const checkFunction = async (
  client: LambdaClient,
  { name, Env }: { readonly name: string; readonly Env: z.ZodObject },
  outputs: AwsOutputs,
): Promise<DoctorFinding> => {
  const FunctionName = formatFunctionArn(outputs.STATE_MACHINE_ARN, name);
  const apply = "Apply the stack `delivery` from this version of Slipway.";
  try {
    const found = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const variables = found.Environment?.Variables ?? {};
    const wrong = (Env.safeParse(variables).error?.issues ?? []).map(({ path }) => {
      const variable = path.join(".");
      return `${variable} is ${getOwnProperty(variables, variable) === undefined ? "not set" : "wrong"}`;
    });
    if (wrong.length > 0)
      return {
        status: "missing",
        sentence: `The function slipway-${name} cannot start: ${wrong.join(", ")}.`,
        remedy: apply,
      };
    if (found.State === "Failed" || found.LastUpdateStatus === "Failed")
      return {
        status: "missing",
        sentence: `The function slipway-${name} does not run: ${found.StateReason ?? found.LastUpdateStatusReason ?? "its last update failed"}.`,
        remedy: apply,
      };
    return { status: "ok", sentence: `The function slipway-${name} is there, with its variables.` };
  } catch (fault) {
    if (!(fault instanceof ResourceNotFoundException)) throw fault;
    return { status: "missing", sentence: `There is no function slipway-${name}.`, remedy: apply };
  }
};
