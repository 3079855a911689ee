import type { STSClient } from "@aws-sdk/client-sts";
import { type AssumedRole, RoleNotAssumed } from "#platform/serving/assume-role.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { assumeEnvironment } from "./assume-environment.ts";

/** How AWS clients of an environment's account sign: as the operator's role, by a profile, or as the caller. */
export type EnvironmentAccess =
  | { readonly credentials: AssumedRole }
  | { readonly profile: string }
  | Record<string, never>;

type Needs = {
  readonly sts: STSClient;
  readonly outputs: AwsOutputs | undefined;
  readonly accounts: { readonly tooling: string; readonly stage: string; readonly prod: string };
  /** Profiles of the environments' accounts, for the time before their roles exist. */
  readonly profiles: Readonly<Partial<Record<Environment, string>>>;
};

/**
 * Access to an environment's account. Undefined: nothing is applied and no profile was named, or the role cannot be
 * assumed, which check-environment.ts reports.
 */
export const openEnvironment = async (
  { sts, outputs, accounts, profiles }: Needs,
  environment: Environment,
): Promise<EnvironmentAccess | undefined> => {
  if (outputs !== undefined)
    return assumeEnvironment(sts, environment, outputs).then(
      (credentials) => ({ credentials }),
      (error: unknown) => {
        if (error instanceof RoleNotAssumed) return undefined;
        throw error;
      },
    );
  const profile = profiles[environment];
  if (profile !== undefined) return { profile };
  return accounts[environment] === accounts.tooling ? {} : undefined;
};
