import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { noArtifactAddresses } from "#platform/artifact-rules/artifact-rules.ts";
import { copyS3Object } from "#platform/blobs/copy-s3-object.ts";
import { readS3Object } from "#platform/blobs/open-s3-object.ts";
import { artifactStoreContract } from "#test/contracts/artifact-store.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { toFileStream } from "#test/support/to-file-stream.ts";
import { openArtifacts } from "./open-artifacts.ts";
import { createS3ArtifactStore, isS3File } from "./s3-artifact-store.ts";

let buckets = 0;
const subject = async (peer: MotoPeer) => {
  const direct = new S3Client({ ...peer.direct(), forcePathStyle: true });
  buckets += 1;
  const bucket = `slipway-artefacts-${buckets}`;
  await direct.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
    }),
  );
  const client = new S3Client({ ...peer.config(), forcePathStyle: true });
  return {
    client,
    bucket,
    store: createS3ArtifactStore({ client, bucket }),
    replace: async (key: string, bytes: Uint8Array) => {
      await direct.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ChecksumAlgorithm: "SHA256" }),
      );
    },
    close: async () => {
      client.destroy();
      direct.destroy();
    },
  };
};

describeWithFaults("artefact store", (peer, name) => {
  artifactStoreContract(`S3, ${name}`, () => subject(peer));

  test("a kept artefact is copied inside S3 with its checksum, without being read", async () => {
    const { client, bucket, store, close } = await subject(peer);
    const bytes = Buffer.from("the onnx file");
    await store.keep(toFileStream(bytes));
    const kept = await store.find(toFileStream(bytes).sha256);
    if (!kept || !isS3File(kept)) return expect.unreachable();
    const to = { Bucket: bucket, Key: "mlflow/1/model.onnx" };
    await copyS3Object(client, kept, to);
    expect(Buffer.from((await readS3Object(client, to)) ?? [])).toEqual(bytes);
    await expect(copyS3Object(client, { ...kept, sha256: "0".repeat(64) }, to)).rejects.toMatchObject({
      name: "TemporaryFault",
    });
    await close();
  });

  test("an object of an allowed bucket is read and compared; a missing one has a remedy", async () => {
    const { client, bucket, store, close } = await subject(peer);
    const file = toFileStream(Buffer.from("the onnx file"));
    await store.keep(file);
    const artifacts = openArtifacts({
      https: () => expect.unreachable(),
      lfs: () => expect.unreachable(),
      s3: async () => client,
    });
    const rules = { ...noArtifactAddresses, buckets: [bucket] };
    const read = (key: string, sha256 = file.sha256) =>
      Array.fromAsync(artifacts.open({ kind: "address", uri: `s3://${bucket}/${key}`, sha256 }, rules));
    const key = `artefacts/sha256/${file.sha256}`;
    expect(Buffer.concat(await read(key)).toString()).toBe("the onnx file");
    await expect(read(key, "0".repeat(64))).rejects.toMatchObject({ name: "ArtifactDiffers" });
    await expect(read("none.onnx")).rejects.toMatchObject({ name: "ArtifactMissing" });
    await close();
  });
});
