import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import type { ArtifactFolder } from "./artifact-folder.ts";

/** Artefacts directly in S3. In its own file, so that functions that only move aliases do not bundle the S3 client. */
export const createS3Artifacts =
  (s3: S3Client) =>
  (bucket: string, prefix: string): ArtifactFolder => ({
    async put(path, bytes) {
      const Key = `${prefix}/${path}`;
      await callAws("S3 PutObject", () =>
        s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: bytes })),
      );
    },
    get: (path) =>
      callAws("S3 GetObject", async () => {
        try {
          const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}/${path}` }));
          return await Body?.transformToByteArray();
        } catch (error) {
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      }),
  });
