import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Blobs } from "./blobs.ts";
import { createS3Objects, toS3Location } from "./s3/objects.ts";

/** The longest lifetime that Signature Version 4 allows for a link. */
const maxLinkSeconds = 7 * 24 * 60 * 60;

/**
 * Objects in an S3 bucket, under an optional `prefix`. The client's credentials sign links, so a link lives at most
 * 7 days and never longer than the credentials: a role's session ends after hours. `clock`: epoch milliseconds.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
 */
export const createS3Blobs = (needs: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix?: string;
  readonly clock: () => number;
}): Blobs => {
  const { client, clock } = needs;
  const toLocation = toS3Location(needs);
  return {
    ...createS3Objects(needs),

    link: async (key, { expiresAt }) => {
      const now = clock();
      // Imported lazily: most functions never sign a link.
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const seconds = Math.floor(expiresAt - now / 1_000);
      return getSignedUrl(client, new GetObjectCommand(toLocation(key)), {
        signingDate: new Date(now),
        expiresIn: Math.min(maxLinkSeconds, Math.max(1, seconds)),
      });
    },
  };
};
