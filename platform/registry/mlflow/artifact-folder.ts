import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { MlflowApi } from "./mlflow-api.ts";

/** Files of one model version, by their path inside its folder. */
export type ArtifactFolder = {
  put(path: string, bytes: Uint8Array): Promise<void>;
  get(path: string): Promise<Uint8Array | undefined>;
};

/** Artefacts lie where Slipway cannot write: neither in S3 nor behind the server's proxy. */
export class ArtifactsOutOfReach extends SlipwayError {
  override readonly name = "ArtifactsOutOfReach";
  override readonly retryable = false;
}

/** The folder of a bucket under a prefix. */
export type OpenBucketFolder = (bucket: string, prefix: string) => ArtifactFolder;

/**
 * The folder that a version's `source` names: `s3://…` is written directly, `mlflow-artifacts:/…` by the tracking
 * server's proxy. Throws ArtifactsOutOfReach for all else.
 */
export const openArtifactFolder = (
  { api, s3 }: { readonly api: MlflowApi; readonly s3?: OpenBucketFolder | undefined },
  source: string,
): ArtifactFolder => {
  const { protocol, host, pathname } = new URL(source);
  const path = decodeURIComponent(pathname).replace(/^\/+/, "");
  if (protocol === "s3:" && s3 !== undefined) return s3(host, path);
  if (protocol === "mlflow-artifacts:")
    return {
      put: (name, bytes) => api.putArtifact(`${path}/${name}`, bytes),
      get: (name) => api.getArtifact(`${path}/${name}`),
    };
  throw new ArtifactsOutOfReach(
    `MLflow keeps artefacts at ${source}: start it with --artifacts-destination or with an artifact root in S3.`,
  );
};
