import { LambdaClient } from "@aws-sdk/client-lambda";
import { STSClient } from "@aws-sdk/client-sts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { createLambdaUpkeep } from "#platform/serving/lambda-upkeep.ts";
import type { Environment, VersionUpkeep } from "#platform/serving/serving.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = {
  readonly env: GroupVariables<"stageRole"> & GroupVariables<"prodRole">;
  readonly clock: () => number;
};

/** The upkeep of published versions in both environments; for `session` see createServing. */
export const createVersionUpkeep = (
  { env, clock }: Needs,
  session: string,
): Readonly<Record<Environment, VersionUpkeep>> => {
  const sts = new STSClient({});
  const open = (environment: Environment, role: { roleArn: string; externalId: string }) =>
    createLambdaUpkeep({
      environment,
      lambda: new LambdaClient({ credentials: assumeRole({ sts, ...role, session, clock }) }),
    });
  return {
    stage: open("stage", { roleArn: env.STAGE_ROLE_ARN, externalId: env.STAGE_EXTERNAL_ID }),
    prod: open("prod", { roleArn: env.PROD_ROLE_ARN, externalId: env.PROD_EXTERNAL_ID }),
  };
};
