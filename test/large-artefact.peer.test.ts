import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { CreateBucketCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { toArtifactKey } from "#platform/artifacts/artifacts.ts";
import { putS3Object } from "#platform/blobs/put-s3-object.ts";
import { type Mlflow, mlflowStartLimitMs, startMlflow } from "#test/peers/mlflow.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelFiles, buildModelYaml, fakeCommit, toyModel } from "#test/support/toy-model.ts";

const { skip } = requirePython("a model of 400 MB on S3 and MLflow");
const artifactMb = 400;
const bytes = artifactMb * 1_024 * 1_024;
/** A step's function has 512 MB; the process also has Node's own 60 MB and what its garbage collector has not freed yet. */
const limitMb = 400;
const bucket = "slipway-artefacts";
const allowed = "our-models";
const chunk = Buffer.alloc(1 << 20);
const Report = z.object({ maxRssMb: z.number(), registered: z.object({ status: z.string() }) });

async function* streamZeros() {
  for (let index = 0; index < artifactMb; index += 1) yield chunk;
}

describe.skipIf(skip)("a model of 400 MB at an address in S3", () => {
  let moto: Moto;
  let mlflow: Mlflow;
  let s3: S3Client;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await createGitRepository();
    moto = await startMoto();
    s3 = new S3Client({ ...motoClientConfig(moto.endpoint), forcePathStyle: true });
    for (const name of [bucket, allowed, "registry"])
      await s3.send(
        new CreateBucketCommand({
          Bucket: name,
          CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
        }),
      );
    mlflow = await startMlflow("s3://registry/mlflow");
  }, mlflowStartLimitMs);
  afterAll(async () => {
    s3?.destroy();
    await mlflow?.stop();
    await moto?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  test("is built and registered by steps of 512 MB: kept by its hash, and copied inside S3", {
    timeout: 600_000,
  }, async () => {
    const hash = createHash("sha256");
    for (let index = 0; index < artifactMb; index += 1) hash.update(chunk);
    const sha256 = hash.digest("hex");
    const stream = { sha256, size: bytes, open: () => Readable.from(streamZeros()) };
    await putS3Object(s3, { Bucket: allowed, Key: "toy/1.onnx" }, stream);
    const models = join(repository.path, "models", toyModel);
    await mkdir(models, { recursive: true });
    const artifact = `{ uri: "s3://${allowed}/toy/1.onnx", sha256: ${sha256}, size: ${bytes} }`;
    for (const [name, content] of buildModelFiles(fakeCommit("a"), buildModelYaml({ artifact })))
      await writeFile(join(models, name), content);
    await rm(join(models, "model.onnx"));
    const commit = await repository.commit({}, "A large model");

    const program = join(import.meta.dirname, "deliver-artefact-process.ts");
    const settings = JSON.stringify({ endpoint: moto.endpoint, mlflow: mlflow.uri, bucket, allowed });
    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      repository.path,
      commit,
      folder.path,
      settings,
    ]);
    const { maxRssMb, registered } = Report.parse(JSON.parse(stdout));

    expect(registered.status).toBe("registered");
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: "registry" }));
    const copy = Contents.find(({ Key }) => Key?.endsWith("model.onnx"))?.Key ?? "";
    const checksum = Buffer.from(sha256, "hex").toString("base64");
    for (const place of [
      { Bucket: bucket, Key: toArtifactKey(sha256) },
      { Bucket: "registry", Key: copy },
    ])
      expect(await s3.send(new HeadObjectCommand({ ...place, ChecksumMode: "ENABLED" }))).toMatchObject({
        ChecksumSHA256: checksum,
        ContentLength: bytes,
      });
    expect(maxRssMb).toBeLessThan(limitMb);
  });
});
