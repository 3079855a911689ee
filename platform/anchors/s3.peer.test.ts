import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { anchorsContract } from "#test/contracts/anchors.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createS3Anchors } from "./s3.ts";

let buckets = 0;
/** A bucket as the stacks create it: with a default retention. */
const subject = async (peer: MotoPeer) => {
  // With path style the bucket's name needs no DNS.
  const direct = new S3Client({ ...peer.direct(), forcePathStyle: true });
  buckets += 1;
  const Bucket = `slipway-audit-${buckets}`;
  await direct.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      ObjectLockEnabledForBucket: true,
    }),
  );
  const DefaultRetention = { Mode: "COMPLIANCE", Days: 2_557 } as const;
  await direct.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention } },
    }),
  );
  const client = new S3Client({ ...peer.config(), forcePathStyle: true });
  const open = () => createS3Anchors({ client, bucket: Bucket });
  return {
    ...{ direct, Bucket, anchors: open(), elsewhere: open() },
    close: async () => {
      client.destroy();
      direct.destroy();
    },
  };
};
const head = { model: "churn", sequence: 12, hash: "a".repeat(64) };

describeWithFaults("anchors", (peer, name) => {
  anchorsContract(`S3, ${name}`, () => subject(peer));

  test("an anchor is locked by the bucket's retention, and the listing says until when", async () => {
    const { direct, Bucket, anchors, close } = await subject(peer);
    await anchors.put(head);
    const [anchor] = (await anchors.list("churn")).anchors;
    expect(anchor?.lockedUntil).toBeGreaterThan(Date.now() + 2_500 * 86_400_000);
    const { Versions: [version] = [] } = await direct.send(new ListObjectVersionsCommand({ Bucket }));
    const { ObjectLockMode } = await direct.send(new HeadObjectCommand({ Bucket, Key: version?.Key }));
    expect(ObjectLockMode).toBe("COMPLIANCE");
    const removal = { Bucket, Key: version?.Key, VersionId: version?.VersionId };
    await expect(direct.send(new DeleteObjectCommand(removal))).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await close();
  });

  test("an anchor below a delete marker or another version is still listed", async () => {
    const { direct, Bucket, anchors, close } = await subject(peer);
    await anchors.put(head);
    const [{ place = "" } = {}] = (await anchors.list("churn")).anchors;
    const Key = place.replace(`s3://${Bucket}/`, "").replace(/\?.*/, "");
    await direct.send(new PutObjectCommand({ Bucket, Key, Body: "something else" }));
    await direct.send(new DeleteObjectCommand({ Bucket, Key }));
    const { anchors: found, invalid } = await anchors.list("churn");
    expect(found.map((anchor) => anchor.place)).toContain(place);
    expect(invalid).toEqual([]);
    await close();
  });

  test("an object that is no anchor is named", async () => {
    const { direct, Bucket, anchors, close } = await subject(peer);
    await direct.send(new PutObjectCommand({ Bucket, Key: "audit/churn/note.txt", Body: "hello" }));
    expect((await anchors.list("churn")).invalid).toEqual([expect.stringContaining("audit/churn/note.txt")]);
    await close();
  });
});
