import { fromEnv } from "@aws-sdk/credential-provider-env";
import type { OpenBucketFolder } from "#platform/registry/mlflow/artifact-folder.ts";
import { createMlflowRegistry } from "#platform/registry/mlflow.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { createSignedFetch } from "#platform/registry/signed-fetch.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = {
  readonly env: GroupVariables<"registry">;
  readonly clock: () => number;
  /** For who reads or writes artefacts that lie in S3. */
  readonly s3?: OpenBucketFolder;
  /** Whose requests they are: a function's role stands in its environment. */
  readonly credentials?: Parameters<typeof createSignedFetch>[0]["credentials"];
};

/** The MLflow that the environment names, with requests signed by the function's own role where it asks for that. */
export const createRegistry = ({ env, clock, s3, credentials = fromEnv() }: Needs): Registry => {
  const asked =
    env.MLFLOW_AUTH === "none"
      ? fetch
      : createSignedFetch({ fetch, region: process.env.AWS_REGION ?? "", credentials, clock });
  return createMlflowRegistry({ uri: env.MLFLOW_URI, fetch: asked, clock, ...(s3 && { s3 }) });
};
