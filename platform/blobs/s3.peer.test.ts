import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { blobsContract } from "#test/contracts/blobs.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createS3Blobs } from "./s3.ts";

let buckets = 0;
const subject = async (peer: MotoPeer) => {
  // With path style the bucket's name needs no DNS.
  const direct = new S3Client({ ...peer.direct(), forcePathStyle: true });
  buckets += 1;
  const bucket = `slipway-contract-${buckets}`;
  await direct.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
    }),
  );
  direct.destroy();
  const client = new S3Client({ ...peer.config(), forcePathStyle: true });
  return {
    client,
    bucket,
    blobs: createS3Blobs({ client, bucket, prefix: "blobs/" }),
    close: async () => client.destroy(),
  };
};

describeWithFaults("blobs", (peer, name) => {
  blobsContract(`S3, ${name}`, () => subject(peer));

  test("a bucket that is not there is named by the error", async () => {
    const { client, close } = await subject(peer);
    const blobs = createS3Blobs({ client, bucket: "slipway-none" });
    const expectedError = { name: "NoSuchBucket" };
    await expect(blobs.put("a", Buffer.from("a"), { contentType: "text/plain" })).rejects.toMatchObject(
      expectedError,
    );
    await expect(blobs.get("a")).rejects.toMatchObject(expectedError);
    await close();
  });
});
