import {
  BatchGetBuildsCommand,
  type CodeBuildClient,
  type Build as Found,
  StartBuildCommand,
} from "@aws-sdk/client-codebuild";
import {
  BatchGetImageCommand,
  DescribeImageScanFindingsCommand,
  type DescribeImageScanFindingsCommandOutput,
  DescribeImagesCommand,
  type ECRClient,
  type EnhancedImageScanFinding,
  ImageAlreadyExistsException,
  ImageNotFoundException,
  type ImageScanFinding,
  ImageTagAlreadyExistsException,
  PutImageCommand,
  ScanNotFoundException,
} from "@aws-sdk/client-ecr";
import { callAws } from "#platform/errors/call-aws.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import {
  type Build,
  type Finding,
  ImageNotFound,
  type Images,
  ImageTagTaken,
  type Scan,
  type Severity,
} from "./images.ts";

type Needs = {
  readonly ecr: ECRClient;
  readonly codebuild: CodeBuildClient;
  /** The repository's name, not its address. */
  readonly repository: string;
  readonly buildProject: string;
  /** Waits so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
};

/** A build that ended without an image. Its name is the failed check's own, such as ManifestInvalid, where one failed. */
export class BuildFailed extends SlipwayError {
  override readonly name: string;
  override readonly retryable = false;
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

const pollMs = 5_000;

const severities: ReadonlyMap<string, Severity> = new Map([
  ["CRITICAL", "critical"],
  ["HIGH", "high"],
  ["MEDIUM", "medium"],
  ["LOW", "low"],
  ["INFORMATIONAL", "low"],
]);
const toSeverity = (said: string | undefined): Severity => severities.get(said ?? "") ?? "unknown";

/** Basic scanning looks at the operating system's packages alone. */
const toBasicFinding = (found: ImageScanFinding): Finding => {
  const attribute = (name: string) => found.attributes?.find(({ key }) => key === name)?.value;
  return {
    id: found.name ?? "",
    package: attribute("package_name") ?? "",
    version: attribute("package_version") ?? "",
    severity: toSeverity(found.severity),
    summary: found.description ?? "",
  };
};

/** Amazon Inspector's, one for each package that a vulnerability is in. */
const toEnhancedFindings = (found: EnhancedImageScanFinding): readonly Finding[] => {
  const { vulnerabilityId, vulnerablePackages = [] } = found.packageVulnerabilityDetails ?? {};
  const about = {
    id: vulnerabilityId ?? found.findingArn ?? "",
    severity: toSeverity(found.severity),
    summary: found.title ?? found.description ?? "",
  };
  if (vulnerablePackages.length === 0) return [{ ...about, package: "", version: "" }];
  return vulnerablePackages.map(({ name = "", version = "", fixedInVersion }) => ({
    ...about,
    package: name,
    version,
    ...(fixedInVersion && fixedInVersion !== "NotAvailable" && { fixedIn: fixedInVersion }),
  }));
};

/** A scan that ECR gave up: nothing is known of anything in the image. */
const unknownScan: Scan = {
  status: "complete",
  findings: [],
  scanned: {},
  unknownEcosystems: ["the operating system", "npm"],
};

/** Forms of an image's manifest; ECR translates what is kept in another, which would have another digest. */
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** Statuses that another look may change. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html */
const pendingStatuses = new Set(["IN_PROGRESS", "PENDING"]);
const completeStatuses = new Set(["COMPLETE", "ACTIVE"]);

const readExportedVariable = ({ exportedEnvironmentVariables }: Found, name: string): string | undefined =>
  exportedEnvironmentVariables?.find((variable) => variable.name === name)?.value || undefined;

/**
 * Images in ECR, scanned by ECR: by Amazon Inspector where enhanced scanning is on, else basic
 * scanning, which knows nothing of npm's packages and says so here.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
 */
export const createEcrRepository = ({
  ecr,
  repository: repositoryName,
}: Pick<Needs, "ecr" | "repository">): Pick<Images, "describe" | "scan" | "release"> => {
  const page = (digest: string, nextToken: string | undefined) =>
    callAws("ECR DescribeImageScanFindings", async () => {
      try {
        return await ecr.send(
          new DescribeImageScanFindingsCommand({
            repositoryName,
            imageId: { imageDigest: digest },
            nextToken,
          }),
        );
      } catch (error) {
        if (error instanceof ScanNotFoundException) return undefined;
        if (!(error instanceof ImageNotFoundException)) throw error;
        throw new ImageNotFound(`there is no image ${digest} in ${repositoryName}`, { cause: error });
      }
    });

  const scan = async (digest: string): Promise<Scan> => {
    const findings: Finding[] = [];
    let enhanced = false;
    let asOf: Date | undefined;
    let token: string | undefined;
    do {
      const found: DescribeImageScanFindingsCommandOutput | undefined = await page(digest, token);
      const status = found?.imageScanStatus?.status ?? "PENDING";
      if (pendingStatuses.has(status)) return { status: "pending" };
      if (!completeStatuses.has(status)) return unknownScan;
      const { imageScanFindings } = found ?? {};
      enhanced ||= imageScanFindings?.enhancedFindings !== undefined;
      asOf = imageScanFindings?.vulnerabilitySourceUpdatedAt ?? asOf;
      findings.push(
        ...(imageScanFindings?.findings ?? []).map(toBasicFinding),
        ...(imageScanFindings?.enhancedFindings ?? []).flatMap(toEnhancedFindings),
      );
      token = found?.nextToken;
    } while (token !== undefined);
    return {
      status: "complete",
      findings,
      // ECR does not say how many packages it looked up: the image counts as one.
      scanned: { image: 1 },
      unknownEcosystems: enhanced ? [] : ["npm"],
      ...(asOf && { advisoriesAsOf: asOf.toISOString() }),
    };
  };

  return {
    describe: (digest) =>
      callAws("ECR DescribeImages", async () => {
        try {
          const { imageDetails } = await ecr.send(
            new DescribeImagesCommand({ repositoryName, imageIds: [{ imageDigest: digest }] }),
          );
          const sizeBytes = imageDetails?.[0]?.imageSizeInBytes;
          return sizeBytes === undefined ? undefined : { sizeBytes };
        } catch (error) {
          if (error instanceof ImageNotFoundException) return undefined;
          throw error;
        }
      }),

    scan,

    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-retag.html
    release: (digest, tag) =>
      callAws("ECR PutImage", async () => {
        const { images = [] } = await ecr.send(
          new BatchGetImageCommand({
            repositoryName,
            imageIds: [{ imageDigest: digest }, { imageTag: tag }],
            acceptedMediaTypes: manifestTypes,
          }),
        );
        const image = images.find(({ imageId }) => imageId?.imageDigest === digest);
        if (image?.imageManifest === undefined)
          throw new ImageNotFound(`there is no image ${digest} in ${repositoryName}`);
        const holder = images.find(({ imageId }) => imageId?.imageTag === tag)?.imageId?.imageDigest;
        if (holder === digest) return;
        if (holder !== undefined) throw new ImageTagTaken(`${tag} is the tag of ${holder}`);
        try {
          await ecr.send(
            new PutImageCommand({
              repositoryName,
              imageManifest: image.imageManifest,
              imageManifestMediaType: image.imageManifestMediaType,
              imageDigest: digest,
              imageTag: tag,
            }),
          );
        } catch (error) {
          if (error instanceof ImageTagAlreadyExistsException)
            throw new ImageTagTaken(`${tag} is another image's in ${repositoryName}`, { cause: error });
          // This very image has it.
          if (!(error instanceof ImageAlreadyExistsException)) throw error;
        }
      }),
  };
};

/** Those images, built by CodeBuild: for who builds outside the state machine. */
export const createEcrImages = (needs: Needs): Images => {
  const { codebuild, sleep } = needs;

  const finished = async (id: string): Promise<Found> => {
    for (;;) {
      const { builds } = await callAws("CodeBuild BatchGetBuilds", () =>
        codebuild.send(new BatchGetBuildsCommand({ ids: [id] })),
      );
      const build = builds?.[0];
      if (!build) throw new TemporaryFault(`CodeBuild does not know build ${id} yet`);
      if (build.buildStatus !== "IN_PROGRESS") return build;
      await sleep(pollMs);
    }
  };

  return {
    ...createEcrRepository(needs),

    async build({ model, commit, runtime }): Promise<Build> {
      const variables = { SLIPWAY_MODEL: model, SLIPWAY_COMMIT: commit, SLIPWAY_RUNTIME: runtime };
      const { build: started } = await callAws("CodeBuild StartBuild", () =>
        codebuild.send(
          new StartBuildCommand({
            projectName: needs.buildProject,
            environmentVariablesOverride: Object.entries(variables).map(([name, value]) => ({
              name,
              value,
              type: "PLAINTEXT",
            })),
          }),
        ),
      );
      const build = await finished(started?.id ?? "");
      const log = build.logs?.deepLink ?? build.id;
      const name = readExportedVariable(build, "SLIPWAY_ERROR");
      if (name) throw new BuildFailed(name, readExportedVariable(build, "SLIPWAY_CAUSE") ?? `see ${log}`);
      const digest = readExportedVariable(build, "SLIPWAY_DIGEST");
      const sizeBytes = Number(readExportedVariable(build, "SLIPWAY_SIZE_BYTES"));
      if (build.buildStatus !== "SUCCEEDED" || digest === undefined || !(sizeBytes > 0))
        throw new BuildFailed("ImageBuildFailed", `the build ended ${build.buildStatus}: ${log}`);
      return { digest, sizeBytes, buildId: build.id ?? "" };
    },
  };
};
