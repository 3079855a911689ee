import type { S3Client } from "@aws-sdk/client-s3";
import { isS3File } from "#platform/artifacts/s3-artifact-store.ts";
import { copyS3Object, readS3Checksum } from "#platform/blobs/copy-s3-object.ts";
import { openS3Object } from "#platform/blobs/open-s3-object.ts";
import { putS3Object } from "#platform/blobs/put-s3-object.ts";
import type { ArtifactFolder } from "./artifact-folder.ts";

/** Artefacts directly in S3. In its own file, so that functions that only move aliases do not bundle the S3 client. */
export const createS3Artifacts =
  (s3: S3Client) =>
  (bucket: string, prefix: string): ArtifactFolder => {
    const place = (path: string) => ({ Bucket: bucket, Key: `${prefix}/${path}` });
    return {
      put: (path, content) =>
        isS3File(content) ? copyS3Object(s3, content, place(path)) : putS3Object(s3, place(path), content),
      sha256: (path) => readS3Checksum(s3, place(path)),
      open: (path) => openS3Object(s3, place(path)),
    };
  };
