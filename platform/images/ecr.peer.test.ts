import { CodeBuildClient, CreateProjectCommand, ListBuildsCommand } from "@aws-sdk/client-codebuild";
import {
  CreateRepositoryCommand,
  ECRClient,
  PutImageCommand,
  StartImageScanCommand,
} from "@aws-sdk/client-ecr";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { imageTagsContract } from "#test/contracts/image-tags.ts";
import { startFaultProxy } from "#test/peers/fault-proxy.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createEcrImages, createEcrRepository } from "./ecr.ts";

const { skip } = requirePython("tests of images in ECR");
const absentDigest = `sha256:${"0".repeat(64)}`;
const commits = { good: "a".repeat(40), invalid: "b".repeat(40), broken: "c".repeat(40) };

/** The manifest of an image that its layer makes unique. */
const createManifest = (layer: string) =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", size: 1, digest: absentDigest },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", size: 1_000, digest: layer }],
  });

describe.skipIf(skip).each([0, 0.08])("ECR with a share of %d faults", (share) => {
  imageTagsContract("ECR", async () => {
    const moto = await startMoto();
    const proxy = await startFaultProxy({ target: moto.endpoint, share, seed: 20_261_121 });
    const ecr = new ECRClient(motoClientConfig(proxy.endpoint));
    const repository = "slipway";
    await ecr.send(
      new CreateRepositoryCommand({ repositoryName: repository, imageTagMutability: "IMMUTABLE" }),
    );
    const push = async (imageTag: string, layer: string) => {
      const imageManifest = createManifest(layer);
      const put = new PutImageCommand({ repositoryName: repository, imageTag, imageManifest });
      return z.string().parse((await ecr.send(put)).image?.imageId?.imageDigest);
    };
    return {
      images: createEcrRepository({ ecr, repository }),
      elsewhere: createEcrRepository({ ecr, repository }),
      digests: [await push("one", absentDigest), await push("two", `sha256:${"1".repeat(64)}`)],
      stop: async () => {
        ecr.destroy();
        await proxy.stop();
        await moto.stop();
      },
    };
  });
});

describe.skipIf(skip)("images in ECR", () => {
  let moto: Moto;
  let ecr: ECRClient;
  let codebuild: CodeBuildClient;
  let digest: string;
  const slept: number[] = [];
  const images = () =>
    createEcrImages({
      ecr,
      codebuild,
      repository: "slipway",
      buildProject: "slipway-build",
      sleep: async (milliseconds) => void slept.push(milliseconds),
    });

  beforeAll(async () => {
    const variables = { SLIPWAY_DIGEST: absentDigest, SLIPWAY_SIZE_BYTES: "1234" };
    const failed = { SLIPWAY_ERROR: "ManifestInvalid", SLIPWAY_CAUSE: "model.yaml:3 is wrong" };
    moto = await startMoto({
      BUILDS: JSON.stringify({
        [commits.good]: { status: "SUCCEEDED", variables },
        [commits.invalid]: { status: "FAILED", variables: { ...failed, SLIPWAY_DIGEST: "" } },
        [commits.broken]: { status: "FAILED", variables: {} },
      }),
    });
    ecr = new ECRClient(motoClientConfig(moto.endpoint));
    codebuild = new CodeBuildClient(motoClientConfig(moto.endpoint));
    await ecr.send(new CreateRepositoryCommand({ repositoryName: "slipway" }));
    const { image } = await ecr.send(
      new PutImageCommand({
        repositoryName: "slipway",
        imageTag: "one",
        imageManifest: createManifest(absentDigest),
      }),
    );
    digest = z.string().parse(image?.imageId?.imageDigest);
    await codebuild.send(
      new CreateProjectCommand({
        name: "slipway-build",
        source: {
          type: "CODECOMMIT",
          location: "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/models",
        },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "ARM_CONTAINER",
          image: "aws/codebuild/standard",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: "arn:aws:iam::123456789012:role/service-role/build",
      }),
    );
  });
  afterAll(async () => {
    ecr?.destroy();
    codebuild?.destroy();
    await moto?.stop();
  });

  /** Queues ECR's next scan results, one for each call (an API of moto). */
  const setScanResults = async (...queue: readonly object[]) => {
    const results = queue.map((result) => ({
      registryId: "123456789012",
      repositoryName: "slipway",
      imageId: { imageDigest: digest },
      ...result,
    }));
    const response = await fetch(`${moto.endpoint}/moto-api/static/ecr/scan-finding-results`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ results, region: "eu-central-1" }),
    });
    expect(response.status).toBe(201);
  };
  const status = (status: string) => ({ imageScanStatus: { status } });

  test("describe returns the size of a pushed image, and undefined for a missing one", async () => {
    expect(await images().describe(digest)).toEqual({ sizeBytes: expect.any(Number) });
    expect((await images().describe(digest))?.sizeBytes).toBeGreaterThan(0);
    expect(await images().describe(absentDigest)).toBeUndefined();
    await expect(images().scan(absentDigest)).rejects.toMatchObject({ name: "ImageNotFound" });
  });

  test("a scan that has not started or is running is pending", async () => {
    expect(await images().scan(digest)).toEqual({ status: "pending" });
    await ecr.send(
      new StartImageScanCommand({ repositoryName: "slipway", imageId: { imageDigest: digest } }),
    );
    for (const pending of ["IN_PROGRESS", "PENDING"]) {
      await setScanResults(status(pending));
      expect(await images().scan(digest)).toEqual({ status: "pending" });
    }
  });

  test.each(["FAILED", "UNSUPPORTED_IMAGE", "FINDINGS_UNAVAILABLE", "SCAN_ELIGIBILITY_EXPIRED"])(
    "a scan that ends as %s reports every ecosystem as unknown",
    async (ended) => {
      await setScanResults(status(ended));
      expect(await images().scan(digest)).toMatchObject({
        status: "complete",
        findings: [],
        scanned: {},
        unknownEcosystems: ["the operating system", "npm"],
      });
    },
  );

  test("basic scanning reports its findings and npm as unknown", async () => {
    const attributes = [
      { key: "package_name", value: "openssl" },
      { key: "package_version", value: "3.0.1" },
    ];
    await setScanResults({
      ...status("COMPLETE"),
      imageScanFindings: {
        vulnerabilitySourceUpdatedAt: 1_795_000_000,
        findings: [{ name: "CVE-2026-1", severity: "CRITICAL", description: "bad", attributes }],
      },
    });
    expect(await images().scan(digest)).toMatchObject({
      findings: [{ id: "CVE-2026-1", package: "openssl", version: "3.0.1", severity: "critical" }],
      unknownEcosystems: ["npm"],
      advisoriesAsOf: "2026-11-18T11:06:40.000Z",
    });
  });

  test("Inspector's findings come from all pages, one per package", async () => {
    const page = (id: string, severity: string, names: readonly string[], nextToken?: string) => ({
      ...status("ACTIVE"),
      ...(nextToken && { nextToken }),
      imageScanFindings: {
        enhancedFindings: [
          {
            severity,
            title: id,
            packageVulnerabilityDetails: {
              vulnerabilityId: id,
              vulnerablePackages: names.map((name) => ({ name, version: "1.0.0", fixedInVersion: "1.0.1" })),
            },
          },
        ],
      },
    });
    await setScanResults(page("CVE-1", "HIGH", ["a", "b"], "more"), page("CVE-2", "UNTRIAGED", ["c"]));
    const scan = await images().scan(digest);
    expect(scan).toMatchObject({
      findings: [
        { id: "CVE-1", package: "a", severity: "high", fixedIn: "1.0.1" },
        { id: "CVE-1", package: "b", severity: "high" },
        { id: "CVE-2", package: "c", severity: "unknown" },
      ],
      unknownEcosystems: [],
    });
  });

  const build = (commit: string) => images().build({ model: "churn", commit, runtime: absentDigest });

  test("a build starts once at the exact commit and returns the variables that it exports", async () => {
    const before = (await codebuild.send(new ListBuildsCommand({}))).ids?.length ?? 0;
    const result = await build(commits.good);
    expect(result).toEqual({
      digest: absentDigest,
      sizeBytes: 1_234,
      buildId: expect.stringMatching(/^slipway-build:/),
    });
    expect(slept).toEqual([5_000]);
    expect((await codebuild.send(new ListBuildsCommand({}))).ids).toHaveLength(before + 1);
  });

  test("a build with a failed check throws the check's error, and any other failed build ImageBuildFailed", async () => {
    await expect(build(commits.invalid)).rejects.toMatchObject({
      name: "ManifestInvalid",
      message: "model.yaml:3 is wrong",
    });
    await expect(build(commits.broken)).rejects.toMatchObject({ name: "ImageBuildFailed" });
  });
});
