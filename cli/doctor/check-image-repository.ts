import {
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from "@aws-sdk/client-ecr";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks that the image repository exists, has immutable tags, and has the image of new functions. */
export const checkImageRepository = async (
  client: ECRClient,
  outputs: AwsOutputs,
): Promise<DoctorFinding> => {
  const { IMAGE_REPOSITORY: repository, FIRST_DIGEST: imageDigest } = outputs;
  const apply = "Apply the stack `delivery` again.";
  try {
    const { repositories = [] } = await client.send(
      new DescribeRepositoriesCommand({ repositoryNames: [repository] }),
    );
    if (!repositories[0]?.imageTagMutability?.startsWith("IMMUTABLE"))
      return {
        status: "missing",
        sentence: `The image repository ${repository} has mutable tags.`,
        remedy: `${apply} Or: aws ecr put-image-tag-mutability --repository-name ${repository} --image-tag-mutability IMMUTABLE`,
      };
    await client.send(new DescribeImagesCommand({ repositoryName: repository, imageIds: [{ imageDigest }] }));
    return {
      status: "ok",
      sentence: `The image repository ${repository} exists and has immutable tags.`,
    };
  } catch (error) {
    if (error instanceof RepositoryNotFoundException)
      return { status: "missing", sentence: `There is no image repository ${repository}.`, remedy: apply };
    if (!(error instanceof ImageNotFoundException)) throw error;
    return {
      status: "missing",
      sentence: `The repository ${repository} has no image ${imageDigest}: a new model's function cannot be created.`,
      remedy: `Push one and write its digest to terraform/config.ts as \`images.firstDigest\`: crane copy <base image> ${outputs.IMAGE_REPOSITORY_URI}:first, then crane digest ${outputs.IMAGE_REPOSITORY_URI}:first`,
    };
  }
};
