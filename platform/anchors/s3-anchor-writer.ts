import { PutObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import { AnchoredHead, type Anchors, toAnchorName } from "./anchors.ts";

/** The folder of the anchors in their bucket. */
export const anchorPrefix = "audit/";

/** 412: the object exists. 409: another write of it is under way, and the next recording puts it again. */
const isWritten = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;

/** Puts anchors: the part of `createS3Anchors` that a function needs, without the reads that only a person's command makes. */
export const createS3AnchorWriter = ({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): Pick<Anchors, "put"> => ({
  put: async (head) => {
    const { model, sequence, hash } = AnchoredHead.parse(head);
    try {
      await callAws("S3 PutObject", () =>
        client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: `${anchorPrefix}${model}/${toAnchorName(head)}`,
            ContentType: "application/json",
            IfNoneMatch: "*",
            // Object Lock requires a checksum.
            ChecksumAlgorithm: "SHA256",
            Body: `${JSON.stringify({ model, sequence, hash })}\n`,
          }),
        ),
      );
    } catch (error) {
      if (!isWritten(error)) throw error;
    }
  },
});
