import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { DoctorFinding } from "./finding.ts";

const missingCredentialsErrors = new Set(["CredentialsProviderError", "TokenProviderError"]);
const refusedCredentialsErrors = new Set([
  "InvalidClientTokenId",
  "ExpiredToken",
  "ExpiredTokenException",
  "SignatureDoesNotMatch",
]);

/** Whether there are credentials, and AWS takes them. `sts` without a region is a finding of its own. */
export const checkCredentials = async (sts: STSClient): Promise<DoctorFinding> => {
  try {
    const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}));
    return { status: "ok", sentence: `You are ${Arn} in account ${Account}.` };
  } catch (fault) {
    const { name, message } = fault instanceof Error ? fault : new Error(String(fault));
    if (/region is missing/i.test(message))
      return {
        status: "missing",
        sentence: "No region is set.",
        remedy: "Set AWS_REGION, or `region` in the profile, to the region that Slipway's stacks lie in.",
      };
    if (missingCredentialsErrors.has(name))
      return {
        status: "missing",
        sentence: "There are no credentials for AWS.",
        remedy:
          "Name a profile with --profile, and sign in where it needs that: aws sso login --profile <name>.",
      };
    return {
      status: "missing",
      sentence: refusedCredentialsErrors.has(name)
        ? `AWS refuses these credentials: ${message}`
        : `AWS did not answer: ${name}: ${message}`,
      remedy: refusedCredentialsErrors.has(name)
        ? "Sign in again: aws sso login --profile <name>, or make new keys."
        : "See that this machine reaches AWS: sts.<region>.amazonaws.com.",
    };
  }
};
