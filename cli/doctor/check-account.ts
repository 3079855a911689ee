import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Whether the profile leads to the tooling account. */
export const checkAccount = async (sts: STSClient, { ACCOUNTS }: AwsOutputs): Promise<DoctorFinding> => {
  const { Account } = await sts.send(new GetCallerIdentityCommand({}));
  return Account === ACCOUNTS.tooling
    ? { status: "ok", sentence: `The profile leads to the tooling account ${Account}.` }
    : {
        status: "missing",
        sentence: `The profile leads to account ${Account}, and tooling is ${ACCOUNTS.tooling}.`,
        remedy: "Name a profile of the tooling account with --profile.",
      };
};
