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
    blobs: createS3Blobs({ client, bucket, prefix: "blobs/", clock: Date.now }),
    // A browser does not retry, so it bypasses the proxy that injects faults.
    follow: (link: string) => fetch(link.replace(peer.proxy().endpoint, peer.moto().endpoint)),
    close: async () => client.destroy(),
  };
};

describeWithFaults("blobs", (peer, name) => {
  blobsContract(`S3, ${name}`, () => subject(peer));

  test("a link carries its expiry, limited to the 7 days that S3 allows", async () => {
    const { client, bucket, close } = await subject(peer);
    const now = Date.UTC(2026, 10, 21);
    const blobs = createS3Blobs({ client, bucket, clock: () => now });
    const seconds = async (expiresAt: number) =>
      new URL(await blobs.link("a", { expiresAt })).searchParams.get("X-Amz-Expires");
    expect(await seconds(now / 1_000 + 60)).toBe("60");
    expect(await seconds(now / 1_000 + 30 * 86_400)).toBe("604800");
    await close();
  });

  test("a missing bucket is NoSuchBucket", async () => {
    const { client, close } = await subject(peer);
    const blobs = createS3Blobs({ client, bucket: "slipway-none", clock: Date.now });
    const expectedError = { name: "NoSuchBucket" };
    await expect(blobs.put("a", Buffer.from("a"), { contentType: "text/plain" })).rejects.toMatchObject(
      expectedError,
    );
    await expect(blobs.get("a")).rejects.toMatchObject(expectedError);
    await close();
  });
});
