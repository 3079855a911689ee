import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { type Blobs, validateBlobKey } from "#platform/blobs/blobs.ts";
import { callAws } from "#platform/errors/call-aws.ts";

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
    put: async (key, bytes, { contentType }) => {
      const object = { ...place(key), Body: bytes, ContentType: contentType };
      await callAws("S3 PutObject", () => client.send(new PutObjectCommand(object)));
    },

    get: async (key) => {
      const object = place(key);
      return callAws("S3 GetObject", async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand(object));
          return await Body?.transformToByteArray();
        } catch (error) {
          // Without s3:ListBucket an absent object is answered with 403, which is thrown: see the role's policy.
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      });
    },
  };
};
