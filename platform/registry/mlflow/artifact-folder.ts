import type { Readable } from "node:stream";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { FileContent } from "#platform/files/file-content.ts";
import type { MlflowApi } from "./mlflow-api.ts";

/** The files of one model version, by path in its folder. */
export type ArtifactFolder = {
  put(path: string, content: FileContent): Promise<void>;
  /** A file as a stream: read it to its end, or destroy it. */
  open(path: string): Promise<Readable | undefined>;
  /** The SHA-256 (hexadecimal) that the storage itself keeps of a file; absent: it keeps none. */
  sha256?(path: string): Promise<string | undefined>;
};

/** Slipway cannot write the artefacts: they are neither in S3 nor behind the server's proxy. */
export class ArtifactsOutOfReach extends SlipwayError {
  override readonly name = "ArtifactsOutOfReach";
  override readonly retryable = false;
}

/** The folder of a bucket under a prefix. */
export type OpenBucketFolder = (bucket: string, prefix: string) => ArtifactFolder;

/**
 * Opens the folder of a version's `source`: `s3://…` directly, `mlflow-artifacts:/…` through the tracking server's
 * proxy. Throws ArtifactsOutOfReach for other URLs.
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
      put: (name, content) => api.putArtifact(`${path}/${name}`, content),
      open: (name) => api.openArtifact(`${path}/${name}`),
    };
  throw new ArtifactsOutOfReach(
    `MLflow stores artefacts at ${source}: start it with --artifacts-destination or with an artifact root in S3.`,
  );
};
