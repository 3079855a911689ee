import * as z from "zod";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Earlier versions have CVE-2026-2652 and four more. */
const minMlflowVersion = [3, 14] as const;

/** Checks that MLflow responds, in a version without known vulnerabilities. https://mlflow.org/docs/latest/self-hosting/ */
export const checkRegistry = async (
  needs: { readonly fetch: typeof fetch },
  { MLFLOW_URI: uri }: Pick<AwsOutputs, "MLFLOW_URI">,
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
  if (!isRecent)
    return {
      status: "missing",
      sentence: `MLflow ${version} at ${uri} has known vulnerabilities.`,
      remedy: `Update it to ${minMlflowVersion.join(".")} or newer.`,
    };
  return checkDatabase(needs, uri, version);
};

const ErrorResponse = z.object({ message: z.string() });

/**
 * Checks that MLflow reads its database: it responds to /version and /health without it. With the tables of another
 * version it refuses every request that needs them.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#search-registeredmodels
 */
const checkDatabase = async (
  needs: { readonly fetch: typeof fetch },
  uri: string,
  version: string,
): Promise<DoctorFinding> => {
  const response = await needs.fetch(`${uri}/api/2.0/mlflow/registered-models/search?max_results=1`, {
    signal: AbortSignal.timeout(30_000),
  });
  if (response.ok)
    return {
      status: "ok",
      sentence: `MLflow ${version} responds at ${uri}, and its database has its tables.`,
    };
  const text = await response.text();
  const message = ErrorResponse.safeParse(parseJson(text)).data?.message ?? text;
  return /out-of-date database schema/i.test(message)
    ? {
        status: "missing",
        sentence: `The database of MLflow ${version} at ${uri} has the tables of another version.`,
        remedy:
          "Take a snapshot of the database, then apply the stack `registry`: its server upgrades the database before it starts. For an MLflow of your own run `mlflow db upgrade <database URL>`.",
      }
    : {
        status: response.status === 503 ? "warning" : "missing",
        sentence: `MLflow ${version} at ${uri} cannot list its models (status ${response.status}): ${message.slice(0, 200)}.`,
        remedy:
          "A paused Aurora needs half a minute to resume: run the doctor again. Otherwise read the server's log, the log group /slipway/registry.",
      };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
