import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type AwsSetupProblem = { readonly sentence: string; readonly remedy: string };

const missingCredentialsErrors = new Set(["CredentialsProviderError", "TokenProviderError"]);

/** The files in which the SDKs look for profiles. https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html */
const listProfileFiles = (env: NodeJS.ProcessEnv): readonly string[] => {
  const folder = join(env.HOME ?? homedir(), ".aws");
  return [
    env.AWS_CONFIG_FILE ?? join(folder, "config"),
    env.AWS_SHARED_CREDENTIALS_FILE ?? join(folder, "credentials"),
  ];
};

const hasProfile = (name: string, env: NodeJS.ProcessEnv): boolean =>
  listProfileFiles(env).some(
    (path) =>
      existsSync(path) &&
      readFileSync(path, "utf8")
        .split("\n")
        .some((line) => /^\s*\[(?:profile\s+)?"?([^\]"]+?)"?\s*\]/.exec(line)?.[1] === name),
  );

/**
 * What this machine lacks for calls to AWS, where an error of the SDK comes from that: a profile, a region or credentials.
 * Undefined for every other error.
 */
export const explainAwsSetup = (
  error: unknown,
  env: NodeJS.ProcessEnv = process.env,
): AwsSetupProblem | undefined => {
  if (!(error instanceof Error)) return undefined;
  // The second: AWS_REGION is set, but empty.
  const isRegion = /^region (is missing|not accepted: region="")/i.test(error.message);
  if (!isRegion && !missingCredentialsErrors.has(error.name)) return undefined;
  const { AWS_PROFILE: profile } = env;
  if (profile && !hasProfile(profile, env))
    return {
      sentence: `There is no AWS profile ${profile} on this machine.`,
      remedy: "`aws configure list-profiles` lists them; `aws configure sso` adds one.",
    };
  return isRegion
    ? {
        sentence: "No region is set.",
        remedy: "Set AWS_REGION, or `region` in the profile, to the region of Slipway's stacks.",
      }
    : {
        sentence: "There are no AWS credentials.",
        remedy:
          "Choose a profile with --profile or AWS_PROFILE; for SSO sign in first: aws sso login --profile <name>.",
      };
};
