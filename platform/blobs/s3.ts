import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { awsCall } from "../aws-call.ts";
import { type Blobs, checkedBlobKey } from "./blobs.ts";

/** The longest that a link signed with Signature Version 4 can live. */
const longestSeconds = 7 * 24 * 60 * 60;

/**
 * Objects in an S3 bucket, under `prefix` where one is given. A link is signed with the client's own credentials
 * and lives no longer than 7 days, nor than those: a role's session ends after hours. `clock`: epoch milliseconds.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
 */
export const s3Blobs = (needs: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix?: string;
  readonly clock: () => number;
}): Blobs => {
  const { client, bucket, prefix = "", clock } = needs;
  const place = (key: string) => ({ Bucket: bucket, Key: `${prefix}${checkedBlobKey(key)}` });
  return {
    put: async (key, bytes, { contentType }) => {
      const object = { ...place(key), Body: bytes, ContentType: contentType };
      await awsCall("S3 PutObject", () => client.send(new PutObjectCommand(object)));
    },

    get: async (key) => {
      const object = place(key);
      return awsCall("S3 GetObject", async () => {
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

    link: async (key, { expiresAt }) => {
      const now = clock();
      // Loaded here, because most that put and get never sign.
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const seconds = Math.floor(expiresAt - now / 1_000);
      return getSignedUrl(client, new GetObjectCommand(place(key)), {
        signingDate: new Date(now),
        expiresIn: Math.min(longestSeconds, Math.max(1, seconds)),
      });
    },
  };
};
