import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const content = "slipway smoke\n";
const sha256 = createHash("sha256").update(content).digest("base64");
/** Of other bytes. */
const wrongSha256 = Buffer.alloc(32, 1).toString("base64");

/** Streams an object whose SHA-256 is wrong, then one whose SHA-256 is right, and reads it back. */
export const checkObjectChecksum = ({ outputs, newId }: SmokeNeeds): SmokeCheck => ({
  behaviour: "S3 compares a stream with the SHA-256 that PutObject names, and keeps it",
  expected: "a stream with another SHA-256 is refused; the SHA-256 of a stored one can be read",
  writes: "sends S3 two objects `smoke/…`, of which S3 must refuse one, and deletes what S3 stores",
  aboutAws: true,
  run: async (addCleanUp) => {
    const client = new S3Client({});
    const createPlace = () => ({ Bucket: outputs.PROVENANCE_BUCKET, Key: `smoke/${newId()}.txt` });
    const put = (place: ReturnType<typeof createPlace>, checksum: string) =>
      client.send(
        new PutObjectCommand({
          ...place,
          Body: Readable.from([Buffer.from(content)]),
          ContentLength: Buffer.byteLength(content),
          ChecksumSHA256: checksum,
        }),
      );
    const deleteLater = (place: ReturnType<typeof createPlace>) =>
      addCleanUp(`the object ${place.Key} in ${place.Bucket}`, () =>
        client.send(new DeleteObjectCommand(place)),
      );
    const wrong = createPlace();
    const refusal = await put(wrong, wrongSha256).then(
      () => undefined,
      (error: unknown) => error,
    );
    const name = refusal instanceof Error ? refusal.name : String(refusal);
    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    if (!/^(BadDigest|InvalidRequest|XAmzContentChecksumMismatch)$/.test(name)) {
      deleteLater(wrong);
      if (refusal !== undefined) throw refusal;
      return { status: "fail", actual: "stored a stream with another SHA-256" };
    }
    const right = createPlace();
    deleteLater(right);
    await put(right, sha256);
    const { ChecksumSHA256: kept } = await client.send(
      new HeadObjectCommand({ ...right, ChecksumMode: "ENABLED" }),
    );
    return kept === sha256
      ? { status: "pass", actual: `refused: ${name}; kept: the SHA-256` }
      : { status: "fail", actual: `refused: ${name}; kept: ${kept ?? "no SHA-256"}` };
  },
});
