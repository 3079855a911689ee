import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** CVE-2026-2652 and four more are in the versions before. */
const minMlflowVersion = [3, 14] as const;

/** Whether MLflow answers, in a version without the known holes. https://mlflow.org/docs/latest/self-hosting/ */
export const checkRegistry = async (
  needs: { readonly fetch: typeof fetch },
  { MLFLOW_URI: uri }: AwsOutputs,
): Promise<DoctorFinding> => {
  let response: Response;
  try {
    response = await needs.fetch(`${uri}/version`, { signal: AbortSignal.timeout(10_000) });
  } catch (fault) {
    return {
      status: "warning",
      sentence: `MLflow at ${uri} cannot be reached from here: ${fault instanceof Error ? fault.message : String(fault)}.`,
      remedy:
        "It lies in a network of its own: look from inside, or see that its service runs (`registry.running`).",
    };
  }
  const version = (await response.text()).trim();
  if (response.status === 401 || response.status === 403)
    return {
      status: "warning",
      sentence: `MLflow at ${uri} answers only those who sign their requests, so its version is not seen from here.`,
      remedy: "See its version where it is configured: `registry.image` in terraform/config.ts.",
    };
  const [, major, minor] = version.match(/^(\d+)\.(\d+)\./) ?? [];
  if (!response.ok || major === undefined || minor === undefined)
    return {
      status: "missing",
      sentence: `What answers at ${uri} is no MLflow (${response.status}).`,
      remedy: "See that MLFLOW_URI is the server's own address, without a path.",
    };
  const enough =
    Number(major) > minMlflowVersion[0] ||
    (Number(major) === minMlflowVersion[0] && Number(minor) >= minMlflowVersion[1]);
  return enough
    ? { status: "ok", sentence: `MLflow ${version} answers at ${uri}.` }
    : {
        status: "missing",
        sentence: `MLflow ${version} answers at ${uri}, and its holes are known.`,
        remedy: `Update it to ${minMlflowVersion.join(".")} or newer.`,
      };
};
