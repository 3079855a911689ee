import { SFNClient } from "@aws-sdk/client-sfn";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** Executions of the state machine that the environment names. */
export const createDeliveries = ({ env }: { readonly env: GroupVariables<"deliveries"> }): Deliveries =>
  createStepFunctionsDeliveries({ client: new SFNClient({}), stateMachineArn: env.STATE_MACHINE_ARN });
