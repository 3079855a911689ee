import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import { explainAwsSetup } from "#cli/explain-aws-setup.ts";
import type { DoctorFinding } from "./finding.ts";

const refusedCredentialsErrors = new Set([
  "InvalidClientTokenId",
  "ExpiredToken",
  "ExpiredTokenException",
  "SignatureDoesNotMatch",
]);

/** Checks that there are credentials, that AWS accepts them, and that a region is set. */
export const checkCredentials = async (sts: STSClient): Promise<DoctorFinding> => {
  try {
    const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}));
    return { status: "ok", sentence: `You are ${Arn} in account ${Account}.` };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const setup = explainAwsSetup(error);
    if (setup !== undefined) return { status: "missing", ...setup };
    return {
      status: "missing",
      sentence: refusedCredentialsErrors.has(name)
        ? `AWS refuses these credentials: ${message}`
        : `AWS did not respond: ${name}: ${message}`,
      remedy: refusedCredentialsErrors.has(name)
        ? "Sign in again: aws sso login --profile <name>, or create new access keys."
        : "Check the network: this machine must reach sts.<region>.amazonaws.com.",
    };
  }
};
