import { NoSuchBucket, type S3Client } from "@aws-sdk/client-s3";
import { openS3Object } from "#platform/blobs/open-s3-object.ts";
import { PermissionMissing } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { ArtifactMissing, ArtifactUnreachable } from "./artifacts.ts";
import { limitTime, type TimeLimits } from "./limit-time.ts";

/**
 * An object at an s3:// address. Throws ArtifactMissing, ArtifactUnreachable and the service's own errors.
 */
export const openS3Artifact = async function* (
  client: S3Client,
  uri: string,
  limits: TimeLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  const createMissingError = (error?: unknown) =>
    new ArtifactMissing(
      `${uri} does not exist, or the build's role may not read it: put the artefact there, correct artifact.uri, or let the bucket's (and its key's) policy allow the role.`,
      {
        cause: error,
      },
    );
  const stream = await openS3Object(client, { Bucket: bucket, Key: key }).catch((error: unknown) => {
    // Without s3:ListBucket, S3 does not say whether an object is missing or must not be read.
    throw error instanceof NoSuchBucket || error instanceof PermissionMissing
      ? createMissingError(error)
      : error;
  });
  if (!stream) throw createMissingError();
  try {
    yield* limitTime(
      stream,
      limits,
      (limit) => new ArtifactUnreachable(`${uri}: ${limit}. Deliver again later.`),
    );
  } catch (error) {
    if (error instanceof TemporaryFault)
      throw new ArtifactUnreachable(`${error.message}. Deliver again later.`, { cause: error });
    throw error;
  }
};
