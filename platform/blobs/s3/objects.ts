import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { type Blobs, validateBlobKey } from "#platform/blobs/blobs.ts";
import { callAws } from "#platform/errors/call-aws.ts";

/** The bucket and key of a blob, under an optional `prefix`. */
export const toS3Location =
  ({ bucket, prefix = "" }: { readonly bucket: string; readonly prefix?: string | undefined }) =>
  (key: string) => ({ Bucket: bucket, Key: `${prefix}${validateBlobKey(key)}` });

/** Objects in an S3 bucket without links: most functions do not need the presigner in their bundle. */
export const createS3Objects = (needs: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix?: string | undefined;
}): Pick<Blobs, "put" | "get"> => {
  const { client } = needs;
  const toLocation = toS3Location(needs);
  return {
    put: async (key, bytes, { contentType }) => {
      const object = { ...toLocation(key), Body: bytes, ContentType: contentType };
      await callAws("S3 PutObject", () => client.send(new PutObjectCommand(object)));
    },

    get: async (key) => {
      const object = toLocation(key);
      return callAws("S3 GetObject", async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand(object));
          return await Body?.transformToByteArray();
        } catch (error) {
          // Without s3:ListBucket, S3 returns 403 for a missing object, and this throws: see the role's policy.
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      });
    },
  };
};
