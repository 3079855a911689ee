import {
  BatchGetBuildsCommand,
  type Build as CodeBuildBuild,
  type CodeBuildClient,
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
  /** The repository's name, not its URL. */
  readonly repository: string;
  readonly buildProject: string;
  readonly sleep: (milliseconds: number) => Promise<void>;
};

/** A build that produced no image. It has the name of the failed check's error, if a check failed: ManifestInvalid. */
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
const toSeverity = (severity: string | undefined): Severity => severities.get(severity ?? "") ?? "unknown";

/** Basic scanning covers only the operating system's packages. */
const toBasicFinding = (finding: ImageScanFinding): Finding => {
  const attribute = (name: string) => finding.attributes?.find(({ key }) => key === name)?.value;
  return {
    id: finding.name ?? "",
    package: attribute("package_name") ?? "",
    version: attribute("package_version") ?? "",
    severity: toSeverity(finding.severity),
    summary: finding.description ?? "",
  };
};

/** One finding for each vulnerable package of Amazon Inspector's finding. */
const toEnhancedFindings = (finding: EnhancedImageScanFinding): readonly Finding[] => {
  const { vulnerabilityId, vulnerablePackages = [] } = finding.packageVulnerabilityDetails ?? {};
  const common = {
    id: vulnerabilityId ?? finding.findingArn ?? "",
    severity: toSeverity(finding.severity),
    summary: finding.title ?? finding.description ?? "",
  };
  if (vulnerablePackages.length === 0) return [{ ...common, package: "", version: "" }];
  return vulnerablePackages.map(({ name = "", version = "", fixedInVersion }) => ({
    ...common,
    package: name,
    version,
    ...(fixedInVersion && fixedInVersion !== "NotAvailable" && { fixedIn: fixedInVersion }),
  }));
};

/** The result of a scan that ECR gave up: nothing in the image was checked. */
const unknownScan: Scan = {
  status: "complete",
  findings: [],
  scanned: {},
  unknownEcosystems: ["the operating system", "npm"],
  remedy: "ECR gave the scan up: scan the image again (aws ecr start-image-scan), and deliver again.",
};

/** ECR converts a manifest of another type, and the converted one would have another digest. */
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** Statuses of a scan that is not finished. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html */
const pendingStatuses = new Set(["IN_PROGRESS", "PENDING"]);
const completeStatuses = new Set(["COMPLETE", "ACTIVE"]);

const readExportedVariable = (
  { exportedEnvironmentVariables }: CodeBuildBuild,
  name: string,
): string | undefined =>
  exportedEnvironmentVariables?.find((variable) => variable.name === name)?.value || undefined;

/**
 * Images in ECR, scanned by Amazon Inspector if enhanced scanning is on, otherwise by basic scanning, which does not
 * cover npm: the result then lists npm as unknown.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
 */
export const createEcrRepository = ({
  ecr,
  repository: repositoryName,
}: Pick<Needs, "ecr" | "repository">): Pick<Images, "describe" | "scan" | "release"> => {
  const readScanPage = (digest: string, nextToken: string | undefined) =>
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
      const page: DescribeImageScanFindingsCommandOutput | undefined = await readScanPage(digest, token);
      const status = page?.imageScanStatus?.status ?? "PENDING";
      if (pendingStatuses.has(status)) return { status: "pending" };
      if (!completeStatuses.has(status)) return unknownScan;
      const { imageScanFindings } = page ?? {};
      enhanced ||= imageScanFindings?.enhancedFindings !== undefined;
      asOf = imageScanFindings?.vulnerabilitySourceUpdatedAt ?? asOf;
      findings.push(
        ...(imageScanFindings?.findings ?? []).map(toBasicFinding),
        ...(imageScanFindings?.enhancedFindings ?? []).flatMap(toEnhancedFindings),
      );
      token = page?.nextToken;
    } while (token !== undefined);
    return {
      status: "complete",
      findings,
      // ECR does not report a number of packages: the image counts as one.
      scanned: { image: 1 },
      ...(enhanced
        ? { unknownEcosystems: [] }
        : {
            unknownEcosystems: ["npm"],
            remedy:
              "Basic scanning knows no npm packages: turn on enhanced scanning (Amazon Inspector) in ECR.",
          }),
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
            throw new ImageTagTaken(`another image in ${repositoryName} has the tag ${tag}`, {
              cause: error,
            });
          // ImageAlreadyExists: this image already has the tag.
          if (!(error instanceof ImageAlreadyExistsException)) throw error;
        }
      }),
  };
};

/** Images in ECR with builds on CodeBuild, for callers outside the state machine. */
export const createEcrImages = (needs: Needs): Images => {
  const { codebuild, sleep } = needs;

  const waitForBuild = async (id: string): Promise<CodeBuildBuild> => {
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
      const build = await waitForBuild(started?.id ?? "");
      const log = build.logs?.deepLink ?? build.id;
      const name = readExportedVariable(build, "SLIPWAY_ERROR");
      if (name) throw new BuildFailed(name, readExportedVariable(build, "SLIPWAY_CAUSE") ?? `see ${log}`);
      const digest = readExportedVariable(build, "SLIPWAY_DIGEST");
      const sizeBytes = Number(readExportedVariable(build, "SLIPWAY_SIZE_BYTES"));
      if (build.buildStatus !== "SUCCEEDED" || digest === undefined || !(sizeBytes > 0))
        throw new BuildFailed("ImageBuildFailed", `the build ended as ${build.buildStatus}: ${log}`);
      return { digest, sizeBytes, buildId: build.id ?? "" };
    },
  };
};
