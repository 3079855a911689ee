import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Earlier versions have CVE-2026-2652 and four more. */
const minMlflowVersion = [3, 14] as const;

/** Checks that MLflow responds, in a version without known vulnerabilities. https://mlflow.org/docs/latest/self-hosting/ */
export const checkRegistry = async (
  needs: { readonly fetch: typeof fetch },
  { MLFLOW_URI: uri }: AwsOutputs,
): Promise<DoctorFinding> => {
  let response: Response;
  try {
    response = await needs.fetch(`${uri}/version`, { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    return {
      status: "warning",
      sentence: `MLflow at ${uri} is not reachable from this machine: ${error instanceof Error ? error.message : String(error)}.`,
      remedy:
        "Its network is private: run the doctor inside it, or check that its service runs (`registry.running`).",
    };
  }
  const version = (await response.text()).trim();
  if (response.status === 401 || response.status === 403)
    return {
      status: "warning",
      sentence: `MLflow at ${uri} requires signed requests, so the doctor cannot read its version.`,
      remedy: "Check the configured version: `registry.image` in terraform/config.ts.",
    };
  const [, major, minor] = version.match(/^(\d+)\.(\d+)\./) ?? [];
  if (!response.ok || major === undefined || minor === undefined)
    return {
      status: "missing",
      sentence: `The server at ${uri} is not MLflow (status ${response.status}).`,
      remedy: "Set MLFLOW_URI to the server's address, without a path.",
    };
  const isRecent =
    Number(major) > minMlflowVersion[0] ||
    (Number(major) === minMlflowVersion[0] && Number(minor) >= minMlflowVersion[1]);
  return isRecent
    ? { status: "ok", sentence: `MLflow ${version} responds at ${uri}.` }
    : {
        status: "missing",
        sentence: `MLflow ${version} at ${uri} has known vulnerabilities.`,
        remedy: `Update it to ${minMlflowVersion.join(".")} or newer.`,
      };
};
