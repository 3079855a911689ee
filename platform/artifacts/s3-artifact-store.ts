import { HeadObjectCommand, NotFound, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { openS3Object } from "#platform/blobs/open-s3-object.ts";
import { putS3Object } from "#platform/blobs/put-s3-object.ts";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import type { FileContent, FileStream } from "#platform/files/file-content.ts";
import { ArtifactDiffers, ArtifactMissing, type ArtifactStore, toArtifactKey } from "./artifacts.ts";
import { verifyArtifact, verifyFile } from "./verify-artifact.ts";

const maxAttempts = 3;

/** A file in S3 with its checksum: another bucket of S3 copies it without reading it here. */
export type S3File = FileStream & { readonly object: { readonly bucket: string; readonly key: string } };

export const isS3File = (content: FileContent): content is S3File => "object" in content;

/**
 * Artefacts in S3. `If-None-Match` lets the first writer win, so that nothing is overwritten; S3 itself compares what it
 * receives with the checksum, and keeps it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export const createS3ArtifactStore = ({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): ArtifactStore => {
  const place = (sha256: string) => ({ Bucket: bucket, Key: toArtifactKey(sha256) });

  /** Throws ArtifactDiffers if S3's checksum is not that of the name. */
  const measure = async (sha256: string): Promise<number | undefined> => {
    try {
      const { ChecksumSHA256, ContentLength } = await callAws("S3 HeadObject", () =>
        client.send(new HeadObjectCommand({ ...place(sha256), ChecksumMode: "ENABLED" })),
      );
      if (ChecksumSHA256 !== Buffer.from(sha256, "hex").toString("base64"))
        throw new ArtifactDiffers(
          `s3://${bucket}/${toArtifactKey(sha256)} does not have the checksum that its name says: find out who wrote it, delete it, and deliver again.`,
        );
      return ContentLength ?? 0;
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  };

  const open = async function* (sha256: string, size: number) {
    const uri = `s3://${bucket}/${toArtifactKey(sha256)}`;
    const stream = await openS3Object(client, place(sha256));
    if (!stream) throw new ArtifactMissing(`${uri} was deleted: deliver again to store it again.`);
    yield* verifyArtifact(stream, { kind: "address", uri, sha256, size }, size);
  };

  return {
    async keep(file) {
      for (let attempt = 1; (await measure(file.sha256)) === undefined; attempt += 1)
        try {
          await putS3Object(client, { ...place(file.sha256), IfNoneMatch: "*" }, verifyFile(file));
        } catch (error) {
          // Another build stored it in between: the checksum tells.
          if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) continue;
          // The client cannot repeat a stream itself.
          if (!(error instanceof TemporaryFault) || attempt >= maxAttempts) throw error;
        }
    },
    async find(sha256): Promise<S3File | undefined> {
      const size = await measure(sha256);
      if (size === undefined) return undefined;
      return {
        sha256,
        size,
        object: { bucket, key: toArtifactKey(sha256) },
        open: () => open(sha256, size),
      };
    },
  };
};
