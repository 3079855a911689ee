import { HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import { type Anchors, toAnchorName } from "./anchors.ts";
import { createS3AnchorListing } from "./s3-anchor-listing.ts";
import { anchorPrefix, createS3AnchorWriter } from "./s3-anchor-writer.ts";

/**
 * Objects in a bucket with S3's Object Lock, `audit/<model>/<sequence>-<hash>.json`. The bucket's default retention locks
 * each of them, so a writer needs `s3:PutObject` alone and chooses no date. A listing of all versions finds an object
 * also below a delete marker or a later version, which the lock does not prevent.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export const createS3Anchors = ({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): Anchors => {
  const listing = createS3AnchorListing({ client, bucket });
  const readLock = async (key: string, version: string | undefined): Promise<number | null> => {
    const { ObjectLockRetainUntilDate } = await callAws("S3 HeadObject", () =>
      client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: key, ...(version && { VersionId: version }) }),
      ),
    );
    return ObjectLockRetainUntilDate?.getTime() ?? null;
  };

  return {
    ...createS3AnchorWriter({ client, bucket }),

    list: async (model) => {
      const { anchors, invalid } = await listing.list(model);
      const newest = anchors.at(-1);
      if (!newest) return { anchors, invalid };
      const [, version] = newest.place.split("?versionId=");
      const lockedUntil = await readLock(`${anchorPrefix}${model}/${toAnchorName(newest)}`, version);
      return { anchors: [...anchors.slice(0, -1), { ...newest, lockedUntil }], invalid };
    },
  };
};
