import { CopyObjectCommand, HeadObjectCommand, NotFound, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";

type ObjectPlace = { readonly Bucket: string; readonly Key: string };

const toHex = (checksum: string | undefined): string | undefined =>
  checksum === undefined ? undefined : Buffer.from(checksum, "base64").toString("hex");

/** The SHA-256 (hexadecimal) that S3 keeps of an object. Undefined: there is no object, or none of its whole content. */
export const readS3Checksum = async (client: S3Client, object: ObjectPlace): Promise<string | undefined> => {
  try {
    const { ChecksumSHA256 } = await callAws("S3 HeadObject", () =>
      client.send(new HeadObjectCommand({ ...object, ChecksumMode: "ENABLED" })),
    );
    return toHex(ChecksumSHA256);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
};

/**
 * Copies an object inside S3, up to 5 GB, without reading it here: S3 computes the checksum of the copy.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 * Throws TemporaryFault for a copy that differs, PermissionMissing and the service's own errors.
 */
export const copyS3Object = async (
  client: S3Client,
  {
    object,
    sha256,
  }: { readonly object: { readonly bucket: string; readonly key: string }; readonly sha256: string },
  to: ObjectPlace,
): Promise<void> => {
  await callAws("S3 CopyObject", () =>
    client.send(
      new CopyObjectCommand({
        ...to,
        CopySource: `${object.bucket}/${object.key}`,
        ChecksumAlgorithm: "SHA256",
      }),
    ),
  );
  const copied = await readS3Checksum(client, to);
  if (copied !== sha256)
    throw new TemporaryFault(
      `S3's copy of ${object.key} has the SHA-256 ${copied ?? "of nothing"}, not ${sha256}`,
    );
};
