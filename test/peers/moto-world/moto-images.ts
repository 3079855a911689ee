import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  ECRClient,
  ImageAlreadyExistsException,
  LimitExceededException,
  PutImageCommand,
  StartImageScanCommand,
} from "@aws-sdk/client-ecr";
import type { Images, Scan } from "#platform/images/images.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { toolingAccount } from "./create-accounts.ts";

type Needs = {
  readonly endpoint: string;
  readonly repositoryName: string;
  readonly images: Images;
  /** The layers' files in the OCI layout; the manifest is next to them. */
  readonly layerFiles: (digest: string) => Promise<readonly string[]>;
};

/** A scan in ECR's form: by Amazon Inspector where npm's packages were looked up, else by basic scanning. */
const toEcrFindings = (scan: Scan) => {
  if (scan.status === "pending") return { imageScanStatus: { status: "IN_PROGRESS" } };
  const vulnerabilitySourceUpdatedAt =
    scan.advisoriesAsOf === undefined ? undefined : Date.parse(scan.advisoriesAsOf) / 1_000;
  // Nothing was looked up: ECR gives such a scan up.
  if (Object.keys(scan.scanned).length === 0) return { imageScanStatus: { status: "FAILED" } };
  if (scan.unknownEcosystems.includes("npm"))
    return {
      imageScanStatus: { status: "COMPLETE" },
      imageScanFindings: { vulnerabilitySourceUpdatedAt, findings: [] },
    };
  return {
    imageScanStatus: { status: "ACTIVE" },
    imageScanFindings: {
      vulnerabilitySourceUpdatedAt,
      enhancedFindings: scan.findings.map((finding) => ({
        severity: finding.severity === "unknown" ? "UNTRIAGED" : finding.severity.toUpperCase(),
        title: finding.summary,
        packageVulnerabilityDetails: {
          vulnerabilityId: finding.id,
          vulnerablePackages: [
            {
              name: finding.package,
              version: finding.version,
              ...(finding.fixedIn && { fixedInVersion: finding.fixedIn }),
            },
          ],
        },
      })),
    },
  };
};

/**
 * Images that are built here and pushed to moto's ECR under their digest; ECR's scan is our scan of their packages.
 * On AWS the builder (worlds/aws/build/build-image.ts) puts the same layers onto Lambda's base image and pushes them
 * (packaging/run-buildspec.ts).
 */
export const motoImages = ({ endpoint, repositoryName, images, layerFiles }: Needs): Images => {
  const ecr = new ECRClient(motoClientConfig(endpoint));
  const ignore = async (type: new (...args: never[]) => Error, call: Promise<unknown>) => {
    await call.catch((error: unknown) => {
      if (!(error instanceof type)) throw error;
    });
  };
  const push = async (digest: string): Promise<void> => {
    const hex = digest.slice("sha256:".length);
    const [layer = ""] = await layerFiles(digest);
    const imageManifest = await readFile(join(dirname(layer), hex), "utf8");
    await ignore(
      ImageAlreadyExistsException,
      ecr.send(new PutImageCommand({ repositoryName, imageManifest, imageTag: hex.slice(0, 16) })),
    );
    const imageId = { imageDigest: digest };
    await ignore(LimitExceededException, ecr.send(new StartImageScanCommand({ repositoryName, imageId })));
    const scan = {
      registryId: toolingAccount,
      repositoryName,
      imageId,
      ...toEcrFindings(await images.scan(digest)),
    };
    const response = await fetch(`${endpoint}/moto-api/static/ecr/scan-finding-results`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ results: [scan], region: "eu-central-1" }),
    });
    if (!response.ok) throw new Error(`moto refused the scan: ${await response.text()}`);
  };
  return {
    ...images,
    build: async (request, options) => {
      const image = await images.build(request, options);
      await push(image.digest);
      return image;
    },
  };
};
