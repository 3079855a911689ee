import { fromEnv } from "@aws-sdk/credential-provider-env";
import type { BucketFolder } from "#platform/registry/mlflow/artifact-store.ts";
import { mlflowRegistry } from "#platform/registry/mlflow.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { signedFetch } from "#platform/registry/signed-fetch.ts";
import type { Variables } from "./environment/environment-parts.ts";

/** The MLflow that the environment names, with requests signed by the function's own role where it asks for that. */
export const registryOf = (
  env: Variables<"registry">,
  clock: () => number,
  /** For who reads or writes artefacts that lie in S3. */
  s3?: BucketFolder,
  /** Whose requests they are: a function's role stands in its environment. */
  credentials: Parameters<typeof signedFetch>[0]["credentials"] = fromEnv(),
): Registry => {
  const asked =
    env.MLFLOW_AUTH === "none"
      ? fetch
      : signedFetch({ fetch, region: process.env.AWS_REGION ?? "", credentials, clock });
  return mlflowRegistry({ uri: env.MLFLOW_URI, fetch: asked, clock, ...(s3 && { s3 }) });
};
