import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Blobs } from "./blobs.ts";
import { createS3Objects, toS3Location } from "./s3/objects.ts";

/** The longest that a link signed with Signature Version 4 can live. */
const maxLinkSeconds = 7 * 24 * 60 * 60;

/**
 * Objects in an S3 bucket, under `prefix` where one is given. A link is signed with the client's own credentials
 * and lives no longer than 7 days, nor than those: a role's session ends after hours. `clock`: epoch milliseconds.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
 */
export const createS3Blobs = (needs: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix?: string;
  readonly clock: () => number;
}): Blobs => {
  const { client, clock } = needs;
  const place = toS3Location(needs);
  return {
    ...createS3Objects(needs),

    link: async (key, { expiresAt }) => {
      const now = clock();
      // Loaded here, because most that put and get never sign.
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const seconds = Math.floor(expiresAt - now / 1_000);
      return getSignedUrl(client, new GetObjectCommand(place(key)), {
        signingDate: new Date(now),
        expiresIn: Math.min(maxLinkSeconds, Math.max(1, seconds)),
      });
    },
  };
};
