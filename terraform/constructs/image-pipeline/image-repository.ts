import { EcrLifecyclePolicy } from "@cdktn/provider-aws/lib/ecr-lifecycle-policy/index.js";
import { EcrRepository } from "@cdktn/provider-aws/lib/ecr-repository/index.js";
import { EcrRepositoryPolicy } from "@cdktn/provider-aws/lib/ecr-repository-policy/index.js";
import { Construct } from "constructs";
import { toPolicyJson } from "../../permissions/statement.ts";
import type { Accounts } from "../../read-config.ts";
import type { ResourceNames } from "../../resource-names.ts";

type Needs = { readonly accounts: Accounts; readonly names: ResourceNames; readonly key: string };

const pullActions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/**
 * ECR applies only the first rule that matches an image. The first rule matches all promoted images and keeps up to
 * 9,999 of them; the second one removes all others after 30 days.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
const lifecyclePolicy = {
  rules: [
    {
      rulePriority: 1,
      description: "promoted images are kept: a rollback needs them",
      selection: {
        tagStatus: "tagged",
        tagPrefixList: ["release-"],
        countType: "imageCountMoreThan",
        countNumber: 9_999,
      },
      action: { type: "expire" },
    },
    {
      rulePriority: 2,
      description: "others go after 30 days",
      selection: { tagStatus: "any", countType: "sinceImagePushed", countUnit: "days", countNumber: 30 },
      action: { type: "expire" },
    },
  ],
};

/**
 * One repository for the images of all models. Lambda may only pull them for Slipway's functions in stage and prod.
 * https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-xaccount-permissions
 */
export const addImageRepository = (
  scope: Construct,
  id: string,
  { accounts, names, key }: Needs,
): EcrRepository => {
  const place = new Construct(scope, id);
  const repository = new EcrRepository(place, "repository", {
    name: names.imageRepository,
    imageTagMutability: "IMMUTABLE",
    forceDelete: !accounts.tooling.protectData,
    imageScanningConfiguration: { scanOnPush: true },
    encryptionConfiguration: [{ encryptionType: "KMS", kmsKey: key }],
  });
  const environments = (["stage", "prod"] as const).map((environment) => ({
    environment,
    ...accounts[environment],
  }));
  new EcrRepositoryPolicy(place, "policy", {
    repository: repository.name,
    policy: toPolicyJson([
      {
        Sid: "WhoMakesFunctions",
        Effect: "Allow",
        Principal: {
          AWS: [...new Set(environments.map(({ account }) => `arn:aws:iam::${account}:root`))],
        },
        Action: pullActions,
        Condition: {
          ArnLike: {
            "aws:PrincipalArn": environments.map(
              ({ environment, account }) => `arn:aws:iam::${account}:role/slipway-${environment}-*`,
            ),
          },
        },
      },
      {
        Sid: "LambdaForTheirFunctions",
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com" },
        Action: pullActions,
        Condition: {
          ArnLike: {
            "aws:SourceArn": environments.map(
              ({ environment, account, region }) =>
                `arn:aws:lambda:${region}:${account}:function:slipway-${environment}-*`,
            ),
          },
        },
      },
    ]),
  });
  new EcrLifecyclePolicy(place, "lifecycle", {
    repository: repository.name,
    policy: JSON.stringify(lifecyclePolicy),
  });
  return repository;
};
