import { readFileSync } from "node:fs";
import { CloudwatchLogGroup } from "@cdktn/provider-aws/lib/cloudwatch-log-group/index.js";
import { CodebuildProject } from "@cdktn/provider-aws/lib/codebuild-project/index.js";
import { CodecommitApprovalRuleTemplate } from "@cdktn/provider-aws/lib/codecommit-approval-rule-template/index.js";
import { CodecommitApprovalRuleTemplateAssociation } from "@cdktn/provider-aws/lib/codecommit-approval-rule-template-association/index.js";
import { CodecommitRepository } from "@cdktn/provider-aws/lib/codecommit-repository/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { Construct } from "constructs";
import type { ArtifactRules } from "../../../platform/artifact-rules/artifact-rules.ts";
import { allowReadParameters } from "../../permissions/allow-read-parameters.ts";
import { allow, allowAny, type Statement, toPolicyJson } from "../../permissions/statement.ts";
import type { Accounts } from "../../read-config.ts";
import type { ResourceNames } from "../../resource-names.ts";
import { suppressFindings } from "../../suppress-findings.ts";
import { addBuilder } from "./builder.ts";
import { addImageRepository } from "./image-repository.ts";
import { addSigningKey } from "./signing-key.ts";

type Needs = {
  readonly accounts: Accounts;
  readonly names: ResourceNames;
  readonly key: string;
  /** Path of the builder's archive. */
  readonly builder: string;
  /** Where a build may read artefacts outside the repository. */
  readonly artifacts: ArtifactRules;
};

/** A role's sessions in the form of CodeCommit's approval pools: `arn:aws:sts::…:assumed-role/<name>/*`. */
const toSessionsArn = (role: string): string => {
  const [, , , , account = "", rest = ""] = role.split(":");
  return `arn:aws:sts::${account}:assumed-role/${rest.split("/").at(-1)}/*`;
};

/**
 * CodeCommit has no CODEOWNERS, so every pull request to the branch needs the approval of an operator.
 * https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-create-template.html
 */
const addApprovalRule = (place: Construct, repository: CodecommitRepository, { accounts, names }: Needs) => {
  const { source, operators } = accounts.tooling;
  if (operators.length === 0) {
    suppressFindings(repository, {
      CKV2_AWS_37: "without operators in the configuration, nobody could approve a pull request",
    });
    return;
  }
  const template = new CodecommitApprovalRuleTemplate(place, "approval-rule", {
    name: names.approvalRule,
    description: "A pull request to the delivered branch needs the approval of an operator",
    content: JSON.stringify({
      Version: "2018-11-08",
      DestinationReferences: [`refs/heads/${source.branch}`],
      Statements: [
        { Type: "Approvers", NumberOfApprovalsNeeded: 1, ApprovalPoolMembers: operators.map(toSessionsArn) },
      ],
    }),
  });
  new CodecommitApprovalRuleTemplateAssociation(place, "approval-rule-association", {
    approvalRuleTemplateName: template.name,
    repositoryName: repository.repositoryName,
  });
};

/** Part of the project, so that no commit can change it. Escapes the shell's `${…}` for Terraform. */
const buildspec = readFileSync(new URL("../../../packaging/buildspec.yml", import.meta.url), "utf8").replace(
  /[$%](?=\{)/g,
  "$&$&",
);

/** The build's permissions to read the source through its API: commits and the files of models' folders. */
const addSource = (place: Construct, needs: Needs): readonly Statement[] => {
  const { accounts, names, key } = needs;
  const { source, account, region } = accounts.tooling;
  if (source.host === "codecommit") {
    const repository = new CodecommitRepository(place, "source", {
      repositoryName: source.repository,
      description: "What is delivered: models/, inference/ and the steps",
      defaultBranch: source.branch,
    });
    addApprovalRule(place, repository, needs);
    return [
      allow(
        // By git only what the API does not return: files above 6 MB.
        ["codecommit:GetCommit", "codecommit:GetFolder", "codecommit:GetBlob", "codecommit:GitPull"],
        [`arn:aws:codecommit:${region}:${account}:${source.repository}`],
      ),
    ];
  }
  const token = `arn:aws:ssm:${region}:${account}:parameter${names.secrets}GITHUB_TOKEN`;
  return allowReadParameters([token], { region, key });
};

/**
 * Objects of the allowed buckets, and S3's use of whichever key encrypts them: a bucket of another account has its own, whose
 * ARN nobody here knows. The encryption context names the object, or the bucket where it has a bucket key.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
const allowReadArtifacts = ({ buckets }: ArtifactRules): readonly Statement[] => {
  if (buckets.length === 0) return [];
  const objects = buckets.map((name) => `arn:aws:s3:::${name}/*`);
  return [
    allow(["s3:GetObject"], objects),
    allow(["kms:Decrypt"], ["arn:aws:kms:*:*:key/*"], {
      StringLike: {
        "kms:ViaService": "s3.*.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": buckets.flatMap((name) => [
          `arn:aws:s3:::${name}`,
          `arn:aws:s3:::${name}/*`,
        ]),
      },
    }),
  ];
};

/** The check needs three times the artefact and 512 MB: 2.9 GB for this one. */
const largestInSmall = 800_000_000;

/**
 * SMALL has 4 GB of memory, MEDIUM 8 GB, on both architectures; the largest artefact (2 GB) needs 6.3 GB.
 * https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
 */
const selectComputeType = ({ maxBytes }: ArtifactRules): string =>
  maxBytes > largestInSmall ? "BUILD_GENERAL1_MEDIUM" : "BUILD_GENERAL1_SMALL";

/**
 * Everything from a commit to an image: the source, the build with the platform's builder, the image repository, the
 * signing key. The project has no source: the build reads a commit as data, through the source's API. It needs no
 * privileged mode and no Docker, because it only combines layers.
 */
export const addImagePipeline = (scope: Construct, id: string, needs: Needs) => {
  const { accounts, names, key } = needs;
  const { account, region, logRetentionDays, images } = accounts.tooling;
  const place = new Construct(scope, id);
  const repository = addImageRepository(place, "repository", needs);
  const statements = addSource(place, needs);
  const { bucket, digest } = addBuilder(place, "builder", { ...needs, archive: needs.builder });
  const logs = new CloudwatchLogGroup(place, "logs", {
    name: `/aws/codebuild/${names.buildProject}`,
    retentionInDays: logRetentionDays,
    kmsKeyId: key,
  });
  const role = new IamRole(place, "role", {
    name: names.buildRole,
    description: "What the build of images may do",
    assumeRolePolicy: toPolicyJson([
      {
        Effect: "Allow",
        Principal: { Service: "codebuild.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: {
          StringEquals: {
            "aws:SourceAccount": account,
            "aws:SourceArn": `arn:aws:codebuild:${region}:${account}:project/${names.buildProject}`,
          },
        },
      },
    ]),
  });
  const signer = addSigningKey(place, "signer", { account, build: names.buildRoleArn });
  const granted: readonly Statement[] = [
    allow(["s3:GetObject"], [`${bucket.arn}/builder/*`]),
    allow(["s3:PutObject"], [`${bucket.arn}/provenance/*`]),
    // Artefacts by their hashes: read before each write, so that none is written twice.
    allow(["s3:GetObject", "s3:PutObject"], [`${bucket.arn}/artefacts/sha256/*`]),
    // Without it, a missing object is AccessDenied instead of NotFound.
    allow(["s3:ListBucket"], [bucket.arn]),
    ...allowReadArtifacts(needs.artifacts),
    allow(["kms:Sign"], [signer.arn]),
    allow(["logs:CreateLogStream", "logs:PutLogEvents"], [`${logs.arn}:*`]),
    allowAny("RegistryLoginNamesNoResource", ["ecr:GetAuthorizationToken"]),
    allow(
      [
        "BatchCheckLayerAvailability",
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "PutImage",
      ]
        .concat("BatchGetImage", "GetDownloadUrlForLayer")
        .map((name) => `ecr:${name}`),
      [names.imageRepositoryArn],
    ),
    ...statements,
  ];
  const rolePolicy = new IamRolePolicy(place, "policy", {
    name: "builds",
    role: role.id,
    policy: toPolicyJson(granted),
  });
  const project = new CodebuildProject(place, "project", {
    name: names.buildProject,
    description: "Makes one model's image at one commit, by the builder that was applied",
    serviceRole: role.arn,
    buildTimeout: 25,
    queuedTimeout: 60,
    source: { type: "NO_SOURCE", buildspec },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: {
      type: images.architecture === "arm64" ? "ARM_CONTAINER" : "LINUX_CONTAINER",
      computeType: selectComputeType(needs.artifacts),
      image: images.buildImage,
      // Required for images outside CodeBuild's own list, which only has tags. A public image needs no permission.
      imagePullCredentialsType: "SERVICE_ROLE",
      privilegedMode: false,
      environmentVariable: [
        { name: "BASE_IMAGE", value: images.baseImage },
        { name: "IMAGE_REPOSITORY_URI", value: names.imageRepositoryUri },
        { name: "ARCHITECTURE", value: images.architecture },
        { name: "BUILDER_DIGEST", value: digest },
        { name: "PROVENANCE_BUCKET", value: names.artefactBucket },
        { name: "SIGNER_KEY", value: signer.arn },
        { name: "SOURCE_HOST", value: accounts.tooling.source.host },
        { name: "SOURCE_REPOSITORY", value: accounts.tooling.source.repository },
        { name: "SECRETS_PREFIX", value: names.secrets },
        { name: "ARTIFACT_RULES", value: JSON.stringify(needs.artifacts) },
      ],
    },
    logsConfig: { cloudwatchLogs: { status: "ENABLED", groupName: logs.name } },
    dependsOn: [rolePolicy],
  });
  return {
    project: { name: project.name, arn: project.arn },
    repository,
    /** ARN of the signing key. */
    signer: signer.arn,
    /** Digest of the builder. */
    builder: digest,
  };
};
