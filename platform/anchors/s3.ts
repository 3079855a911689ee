import {
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ObjectVersion,
  type S3Client,
} from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import {
  type Anchor,
  AnchoredHead,
  type Anchors,
  parseAnchorName,
  sortAnchors,
  toAnchorName,
} from "./anchors.ts";
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
  const listVersions = async (model: string): Promise<readonly ObjectVersion[]> => {
    const versions: ObjectVersion[] = [];
    for (let key: string | undefined, version: string | undefined; ; ) {
      const page = await callAws("S3 ListObjectVersions", () =>
        client.send(
          new ListObjectVersionsCommand({
            Bucket: bucket,
            Prefix: `${anchorPrefix}${model}/`,
            ...(key === undefined ? {} : { KeyMarker: key }),
            ...(version === undefined ? {} : { VersionIdMarker: version }),
          }),
        ),
      );
      versions.push(...(page.Versions ?? []));
      if (!page.IsTruncated) return versions;
      key = page.NextKeyMarker;
      version = page.NextVersionIdMarker;
    }
  };

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
      const anchors: Anchor[] = [];
      const invalid: string[] = [];
      for (const { Key = "", VersionId, LastModified } of await listVersions(
        AnchoredHead.shape.model.parse(model),
      )) {
        const head = parseAnchorName(model, Key.slice(`${anchorPrefix}${model}/`.length));
        const place = `s3://${bucket}/${Key}${VersionId === undefined ? "" : `?versionId=${VersionId}`}`;
        if (!head || !LastModified) invalid.push(`${place} is not an anchor`);
        else anchors.push({ ...head, at: LastModified.getTime(), place, lockedUntil: null, signature: null });
      }
      const sorted = sortAnchors(anchors);
      const newest = sorted.at(-1);
      if (!newest) return { anchors: sorted, invalid };
      const [, version] = newest.place.split("?versionId=");
      const lockedUntil = await readLock(`${anchorPrefix}${model}/${toAnchorName(newest)}`, version);
      return { anchors: [...sorted.slice(0, -1), { ...newest, lockedUntil }], invalid };
    },
  };
};
