import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { type Blobs, validateBlobKey } from "#platform/blobs/blobs.ts";
import { callAws } from "#platform/errors/call-aws.ts";

/** Where a blob lies: in a bucket, under `prefix` where one is given. */
export const toS3Location =
  ({ bucket, prefix = "" }: { readonly bucket: string; readonly prefix?: string | undefined }) =>
  (key: string) => ({ Bucket: bucket, Key: `${prefix}${validateBlobKey(key)}` });

/** Objects in an S3 bucket for who links to none: what signs links is of no use to most functions. */
export const createS3Objects = (needs: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix?: string | undefined;
}): Pick<Blobs, "put" | "get"> => {
  const { client } = needs;
  const place = toS3Location(needs);
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
