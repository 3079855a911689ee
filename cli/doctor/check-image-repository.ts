import {
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from "@aws-sdk/client-ecr";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Whether images have a repository whose tags stay, with the image that functions are made from at first. */
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
        sentence: `Tags in the image repository ${repository} can be moved to other images.`,
        remedy: `${apply} Or: aws ecr put-image-tag-mutability --repository-name ${repository} --image-tag-mutability IMMUTABLE`,
      };
    await client.send(new DescribeImagesCommand({ repositoryName: repository, imageIds: [{ imageDigest }] }));
    return {
      status: "ok",
      sentence: `The image repository ${repository} is there, and its tags cannot be moved.`,
    };
  } catch (fault) {
    if (fault instanceof RepositoryNotFoundException)
      return { status: "missing", sentence: `There is no image repository ${repository}.`, remedy: apply };
    if (!(fault instanceof ImageNotFoundException)) throw fault;
    return {
      status: "missing",
      sentence: `The repository ${repository} has no image ${imageDigest}, which each model's function is made from at first.`,
      remedy: `Push one and put its digest into terraform/config.ts as \`images.firstDigest\`: crane copy <base image> ${outputs.IMAGE_REPOSITORY_URI}:first, then crane digest ${outputs.IMAGE_REPOSITORY_URI}:first`,
    };
  }
};
