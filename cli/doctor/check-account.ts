import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks that the profile is of the tooling account. */
export const checkAccount = async (
  sts: STSClient,
  { ACCOUNTS }: Pick<AwsOutputs, "ACCOUNTS">,
): Promise<DoctorFinding> => {
  const { Account } = await sts.send(new GetCallerIdentityCommand({}));
  return Account === ACCOUNTS.tooling
    ? { status: "ok", sentence: `The profile is of the tooling account ${Account}.` }
    : {
        status: "missing",
        sentence: `The profile is of account ${Account}; the tooling account is ${ACCOUNTS.tooling}.`,
        remedy: "Choose a profile of the tooling account with --profile.",
      };
};
