import { ListObjectVersionsCommand, type ObjectVersion, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import { type Anchor, AnchoredHead, type Anchors, parseAnchorName, sortAnchors } from "./anchors.ts";
import { anchorPrefix } from "./s3-anchor-writer.ts";

/**
 * Lists anchors by the names of their objects, which hold all of an anchor: the caller needs `s3:ListBucketVersions` on the
 * bucket's prefix, and reads no object. Until when an object is locked is not known (`createS3Anchors` reads it).
 */
export const createS3AnchorListing = ({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): Pick<Anchors, "list"> => {
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

  return {
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
      return { anchors: sortAnchors(anchors), invalid };
    },
  };
};
