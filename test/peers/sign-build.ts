import { createHash } from "node:crypto";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { createProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { builderIds } from "#domain/provenance/statement.ts";
import { createS3ArtifactStore } from "#platform/artifacts/s3-artifact-store.ts";
import { createS3Blobs } from "#platform/blobs/s3.ts";
import { createKmsSigner } from "#platform/signer/kms.ts";
import { hashGitBlob } from "#test/support/fake-build.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { toFileStream } from "#test/support/to-file-stream.ts";
import { motoClientConfig } from "./moto.ts";

type SignBuildDependencies = {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** ARN of the key. */
  readonly key: string;
};

/** Signs and stores the provenance of an image of these files, as the builder of `handlerEnvironment` does. */
export const signBuild =
  ({ endpoint, region, bucket, key }: SignBuildDependencies) =>
  async (build: {
    readonly digest: string;
    readonly model: string;
    readonly commit: string;
    readonly runtime: string;
    readonly files: ReadonlyMap<string, Uint8Array>;
  }): Promise<void> => {
    const config = { ...motoClientConfig(endpoint), region };
    const client = new S3Client({ ...config, forcePathStyle: true });
    const kms = new KMSClient(config);
    const files = [...build.files].map(([name, bytes]) => [
      name,
      createHash("sha256").update(bytes).digest("hex"),
    ]);
    const artifact = toFileStream(build.files.get("model.onnx") ?? new Uint8Array());
    await createS3ArtifactStore({ client, bucket }).keep(artifact);
    await createProvenanceStore({
      blobs: createS3Blobs({ client, bucket }),
      signer: createKmsSigner({ client: kms, key }),
    }).record({
      ...build,
      files: Object.fromEntries(files),
      gitBlobs: Object.fromEntries([...build.files].map(([name, bytes]) => [name, hashGitBlob(bytes)])),
      artifact: artifact.sha256,
      baseImage: null,
      layers: [],
      builderId: builderIds.codebuild,
      builder: handlerEnvironment.BUILDER_DIGEST,
      buildId: "build:1",
      finishedAt: Date.now(),
    });
    client.destroy();
    kms.destroy();
  };
