import { Readable } from "node:stream";
import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const content = "slipway smoke\n";
/** Of other bytes. */
const wrongSha256 = Buffer.alloc(32, 1).toString("base64");

/** Streams an object whose SHA-256 is wrong. */
export const checkObjectChecksum = ({ outputs, newId }: SmokeNeeds): SmokeCheck => ({
  behaviour: "S3 compares a stream with the SHA-256 that PutObject names",
  expected: "a stream with another SHA-256 is refused",
  writes: "sends S3 an object `smoke/…` that S3 must refuse, and deletes it if S3 does not",
  aboutAws: true,
  run: async (addCleanUp) => {
    const client = new S3Client({});
    const place = { Bucket: outputs.PROVENANCE_BUCKET, Key: `smoke/${newId()}.txt` };
    const command = new PutObjectCommand({
      ...place,
      Body: Readable.from([Buffer.from(content)]),
      ContentLength: Buffer.byteLength(content),
      ChecksumSHA256: wrongSha256,
    });
    const refusal = await client.send(command).then(
      () => undefined,
      (error: unknown) => error,
    );
    const name = refusal instanceof Error ? refusal.name : String(refusal);
    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    if (/^(BadDigest|InvalidRequest|XAmzContentChecksumMismatch)$/.test(name))
      return { status: "pass", actual: `refused: ${name}` };
    addCleanUp(`the object ${place.Key} in ${place.Bucket}`, () =>
      client.send(new DeleteObjectCommand(place)),
    );
    if (refusal !== undefined) throw refusal;
    return { status: "fail", actual: "stored" };
  },
});
