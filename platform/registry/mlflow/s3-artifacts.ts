import type { S3Client } from "@aws-sdk/client-s3";
import { openS3Object } from "#platform/blobs/open-s3-object.ts";
import { putS3Object } from "#platform/blobs/put-s3-object.ts";
import type { ArtifactFolder } from "./artifact-folder.ts";

/** Artefacts directly in S3. In its own file, so that functions that only move aliases do not bundle the S3 client. */
export const createS3Artifacts =
  (s3: S3Client) =>
  (bucket: string, prefix: string): ArtifactFolder => {
    const place = (path: string) => ({ Bucket: bucket, Key: `${prefix}/${path}` });
    return {
      put: (path, content) => putS3Object(s3, place(path), content),
      open: (path) => openS3Object(s3, place(path)),
    };
  };
