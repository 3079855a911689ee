import { Readable } from "node:stream";
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import { type FileContent, streamContent } from "#platform/files/file-content.ts";

/**
 * Writes an object. A file is streamed, and S3 compares it with its checksum.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 * Throws TemporaryFault, PermissionMissing, the file's errors and the service's own errors.
 */
export const putS3Object = async (
  client: S3Client,
  object: Pick<PutObjectCommandInput, "Bucket" | "Key" | "ContentType" | "IfNoneMatch">,
  content: FileContent,
): Promise<void> => {
  if (content instanceof Uint8Array) {
    await callAws("S3 PutObject", () => client.send(new PutObjectCommand({ ...object, Body: content })));
    return;
  }
  const body = Readable.from(streamContent(content));
  const abort = new AbortController();
  // The client does not listen to errors of a body, which would end the process.
  let readError: Error | undefined;
  body.once("error", (error) => {
    readError = error;
    abort.abort();
  });
  const command = new PutObjectCommand({
    ...object,
    Body: body,
    ContentLength: content.size,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: Buffer.from(content.sha256, "hex").toString("base64"),
  });
  try {
    await callAws("S3 PutObject", () => client.send(command, { abortSignal: abort.signal }));
  } catch (error) {
    throw readError ?? error;
  } finally {
    body.destroy();
  }
};
