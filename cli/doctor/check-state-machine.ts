import { isDeepStrictEqual } from "node:util";
import { DescribeStateMachineCommand, type SFNClient, StateMachineDoesNotExist } from "@aws-sdk/client-sfn";
import * as z from "zod";
import { defineDelivery, stepNames } from "#statemachine/delivery.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";
import { formatFunctionArn } from "./function-arn.ts";

/** Checks that the state machine exists and has this version's definition. */
export const checkStateMachine = async (client: SFNClient, outputs: AwsOutputs): Promise<DoctorFinding> => {
  const { STATE_MACHINE_ARN: stateMachineArn, BUILD_PROJECT: buildProject } = outputs;
  const remedy = "Apply the stack `delivery` from this version of Slipway.";
  try {
    const { definition = "{}" } = await client.send(new DescribeStateMachineCommand({ stateMachineArn }));
    const arns = stepNames.map((step) => [step, formatFunctionArn(stateMachineArn, step)]);
    const functions = z.record(z.enum(stepNames), z.string()).parse(Object.fromEntries(arns));
    const expected: unknown = JSON.parse(JSON.stringify(defineDelivery({ functions, buildProject })));
    return isDeepStrictEqual(JSON.parse(definition), expected)
      ? {
          status: "ok",
          sentence: `The state machine ${stateMachineArn} exists, with this version's definition.`,
        }
      : {
          status: "warning",
          sentence: `The state machine ${stateMachineArn} has the definition of another version of Slipway.`,
          remedy: `${remedy} Or check out the deployed version.`,
        };
  } catch (error) {
    if (!(error instanceof StateMachineDoesNotExist)) throw error;
    return {
      status: "missing",
      sentence: `There is no state machine ${stateMachineArn}: nothing can be delivered.`,
      remedy,
    };
  }
};
