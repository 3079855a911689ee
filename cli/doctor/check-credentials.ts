import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import type { DoctorFinding } from "./finding.ts";

const missingCredentialsErrors = new Set(["CredentialsProviderError", "TokenProviderError"]);
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
    if (/region is missing/i.test(message))
      return {
        status: "missing",
        sentence: "No region is set.",
        remedy: "Set AWS_REGION, or `region` in the profile, to the region of Slipway's stacks.",
      };
    if (missingCredentialsErrors.has(name))
      return {
        status: "missing",
        sentence: "There are no AWS credentials.",
        remedy: "Choose a profile with --profile; for SSO sign in first: aws sso login --profile <name>.",
      };
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
