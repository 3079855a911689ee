import { fromEnv } from "@aws-sdk/credential-provider-env";
import type { OpenBucketFolder } from "#platform/registry/mlflow/artifact-folder.ts";
import { createMlflowRegistry } from "#platform/registry/mlflow.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { createSignedFetch } from "#platform/registry/signed-fetch.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = {
  readonly env: GroupVariables<"registry">;
  readonly clock: () => number;
  /** For reading or writing artefacts in S3. */
  readonly s3?: OpenBucketFolder;
  /** For registering a version. */
  readonly createModel?: Parameters<typeof createMlflowRegistry>[0]["createModel"];
  /** Who signs the requests: by default the role in the function's environment. */
  readonly credentials?: Parameters<typeof createSignedFetch>[0]["credentials"];
};

/** The MLflow that the environment names, with requests signed by the function's role if the environment says so. */
export const createRegistry = ({ env, clock, s3, createModel, credentials = fromEnv() }: Needs): Registry => {
  const mlflowFetch =
    env.MLFLOW_AUTH === "none"
      ? fetch
      : createSignedFetch({ fetch, region: process.env.AWS_REGION ?? "", credentials, clock });
  return createMlflowRegistry({
    uri: env.MLFLOW_URI,
    fetch: mlflowFetch,
    clock,
    ...(s3 && { s3 }),
    ...(createModel && { createModel }),
  });
};
