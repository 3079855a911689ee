import { S3Client } from "@aws-sdk/client-s3";
import type { Anchors } from "#platform/anchors/anchors.ts";
import { createS3Anchors } from "#platform/anchors/s3.ts";

/** The anchors of the audit trails in a bucket. */
export const openS3Anchors = (bucket: string): Anchors =>
  createS3Anchors({ client: new S3Client({}), bucket });
