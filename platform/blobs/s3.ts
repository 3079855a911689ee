import type { S3Client } from "@aws-sdk/client-s3";
import { type Blobs, validateBlobKey } from "#platform/blobs/blobs.ts";
import { openS3Object, readS3Object } from "./open-s3-object.ts";
import { putS3Object } from "./put-s3-object.ts";

/** Objects in an S3 bucket, under `prefix` where one is given. */
export const createS3Blobs = ({
  client,
  bucket,
  prefix = "",
}: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix?: string;
}): Blobs => {
  const place = (key: string) => ({ Bucket: bucket, Key: `${prefix}${validateBlobKey(key)}` });
  return {
    put: async (key, content, { contentType }) =>
      putS3Object(client, { ...place(key), ContentType: contentType }, content),

    get: async (key) => readS3Object(client, place(key)),

    open: async (key) => openS3Object(client, place(key)),
  };
};
