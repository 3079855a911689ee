/** A model of 400 MB in S3, from its commit to a prediction on prod, on moto and MLflow. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { putS3Object } from "#platform/blobs/put-s3-object.ts";
import { stepNames } from "#statemachine/delivery.ts";
import { repositoryRoot } from "#test/end-to-end/fixture.ts";
import { mlflowStartLimitMs } from "#test/peers/mlflow.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { requireRuntimeClient } from "#test/peers/runtime-client.ts";
import { createLargeModel } from "#test/support/large-model.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createAutoApprover } from "#worlds/embedded/scenario/auto-approver.ts";
import { worldRegion } from "./create-accounts.ts";
import { type MotoWorld, startMotoWorld } from "./moto-world.ts";

const python = requirePython("a model of 400 MB on moto and MLflow");
const client = requireRuntimeClient("a model of 400 MB on moto and MLflow");
const model = createLargeModel();
const bucket = "our-models";
/** A step's function has 512 MB. A step that holds the artefact has some 480 MB, so a limit of 512 MB would not see it. */
const stepLimitMb = 400;
/** The steps of a first delivery, which has no canary and no rollback. */
const expectedSteps = stepNames.filter((name) => !/canary|shift-traffic|roll-back/.test(name));

describe.skipIf(python.skip || client.skip)("a model of 400 MB in S3", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let aws: MotoWorld;
  let s3: S3Client;
  /** The most memory of each function, from its REPORT lines. */
  const peaksMb = new Map<string, number>();
  const readReport = (line: string) => {
    const [, name, peak] = /^\[([\w-]+)\] REPORT .*\tMax Memory Used: (\d+) MB/.exec(line) ?? [];
    if (name) peaksMb.set(name, Math.max(peaksMb.get(name) ?? 0, Number(peak)));
  };

  const times: string[] = [];

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    const checkout = join(folder.path, "checkout");
    const models = join(checkout, "models", model.name);
    await mkdir(models, { recursive: true });
    const policy = await readFile(join(repositoryRoot, "policy.yaml"), "utf8");
    await writeFile(join(checkout, "policy.yaml"), policy.replace("buckets: []", `buckets: [${bucket}]`));
    const sha256 = model.hashArtifact();
    const artifact = `{ uri: "s3://${bucket}/demand/1.onnx", sha256: ${sha256}, size: ${model.artifact.size} }`;
    for (const [name, content] of Object.entries(model.buildFiles(artifact)))
      await writeFile(join(models, name), content);

    aws = await startMotoWorld({
      folder: join(folder.path, "aws"),
      checkout,
      timeScale: 1_800,
      traffic: 0,
      reporter: {
        event: (event) => {
          if (event.event === "state" && event.status === "succeeded" && event.ms >= 1_000)
            times.push(`${event.state} ${(event.ms / 1_000).toFixed(1)} s`);
        },
        say: () => undefined,
      },
      log: (line) => {
        readReport(line);
        if (process.env.VERBOSE) console.info(line.slice(0, 600));
      },
    });
    s3 = new S3Client({ ...motoClientConfig(aws.variables.AWS_ENDPOINT_URL), forcePathStyle: true });
    const location = { CreateBucketConfiguration: { LocationConstraint: worldRegion } } as const;
    await s3.send(new CreateBucketCommand({ Bucket: bucket, ...location }));
    const content = { sha256, size: model.artifact.size, open: () => Readable.from(model.artifact.open()) };
    await putS3Object(s3, { Bucket: bucket, Key: "demand/1.onnx" }, content);
  }, mlflowStartLimitMs);
  afterAll(async () => {
    s3?.destroy();
    await aws?.stop();
    await folder?.remove();
  });

  test("is delivered by steps of 512 MB, and prod predicts with all of it", async () => {
    const commit = (await aws.repository.commitChange(model.name, "first")) ?? "";
    await aws.pushes.record({ before: null, after: commit, by: "sam.carter@example.com" });
    const delivery = await aws.deliver(model.name, commit);
    const ended = aws.ended(delivery);
    await Promise.race([aws.asked(delivery).then(() => createAutoApprover(aws).approve(delivery)), ended]);
    await ended;
    const outcome = await aws.world.outcomes.read(delivery);
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ outcome: "promoted" });

    const prod = `${aws.url}/prod/models/${model.name}`;
    expect(await model.measureLargestDifference(prod)).toBeLessThan(model.tolerance);

    console.info(
      `peak memory: ${[...peaksMb].map(([name, peakMb]) => `${name} ${peakMb} MB`).join(", ")}; time: ${times.join(", ")}`,
    );
    expect([...peaksMb.keys()]).toEqual(expect.arrayContaining([...expectedSteps]));
    expect([...peaksMb].filter(([, peakMb]) => peakMb > stepLimitMb)).toEqual([]);
  });
});
