import { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandInput, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { convertStreamErrors } from "#platform/files/convert-stream-errors.ts";

type ObjectPlace = Pick<GetObjectCommandInput, "Bucket" | "Key">;

const getBody = async (client: S3Client, object: ObjectPlace) => {
  try {
    return (await client.send(new GetObjectCommand(object))).Body;
  } catch (error) {
    // Without s3:ListBucket an absent object is answered with 403, which is thrown: see the role's policy.
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
};

/** An object as a stream: read it to its end, or destroy it. Undefined: there is none. */
export const openS3Object = (client: S3Client, object: ObjectPlace): Promise<Readable | undefined> =>
  callAws("S3 GetObject", async () => {
    const body = await getBody(client, object);
    if (body === undefined) return undefined;
    if (!(body instanceof Readable)) throw new TypeError("In Node, S3's client gives a stream.");
    return convertStreamErrors(
      body,
      (error) =>
        new TemporaryFault(`S3's response with ${object.Key} was interrupted: ${String(error)}`, {
          cause: error,
        }),
    );
  });

/** All bytes of an object. Undefined: there is none. */
export const readS3Object = (client: S3Client, object: ObjectPlace): Promise<Uint8Array | undefined> =>
  callAws("S3 GetObject", async () => (await getBody(client, object))?.transformToByteArray());
