import { STSClient } from "@aws-sdk/client-sts";
import { readOperatorRole } from "#cli/doctor/assume-environment.ts";
import { type AssumedRole, assumeRole } from "#platform/serving/assume-role.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { SmokeNeeds } from "./smoke-check.ts";

/** The operator's credentials in an environment, assumed at the first call. */
export const openRole = (
  { outputs, clock }: SmokeNeeds,
  environment: Environment,
): (() => Promise<AssumedRole>) =>
  assumeRole({
    sts: new STSClient({}),
    ...readOperatorRole(environment, outputs),
    session: "slipway-smoke",
    clock,
  });
