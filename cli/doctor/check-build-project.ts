import { BatchGetProjectsCommand, type CodeBuildClient } from "@aws-sdk/client-codebuild";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { explainImageDigest } from "./explain-image-digest.ts";
import type { DoctorFinding } from "./finding.ts";

/** A digest, except the zeros of the default configuration. */
const byDigest = /@sha256:(?!0{64}$)[0-9a-f]{64}$/;

/**
 * Checks the CodeBuild project of image builds: it exists, runs the applied builder in the applied build image, and both
 * build image and base image are pinned by digest.
 */
export const checkBuildProject = async (
  client: CodeBuildClient,
  {
    BUILD_PROJECT: name,
    ARCHITECTURE,
    BUILDER_DIGEST,
    BUILD_IMAGE,
  }: Pick<AwsOutputs, "BUILD_PROJECT" | "ARCHITECTURE" | "BUILDER_DIGEST" | "BUILD_IMAGE">,
): Promise<DoctorFinding> => {
  const { projects: [project] = [] } = await client.send(new BatchGetProjectsCommand({ names: [name] }));
  const missing = (sentence: string, remedy: string): DoctorFinding => ({
    status: "missing",
    sentence,
    remedy,
  });
  if (project === undefined)
    return missing(
      `There is no build project ${name}: no image can be built.`,
      "Apply the stack `delivery` again.",
    );
  const { image = "", environmentVariables = [] } = project.environment ?? {};
  const readVariable = (variable: string) =>
    environmentVariables.find((entry) => entry.name === variable)?.value ?? "";
  if (project.source?.type !== "NO_SOURCE" || readVariable("BUILDER_DIGEST") !== BUILDER_DIGEST)
    return missing(
      `The build project ${name} does not run the platform's builder (${BUILDER_DIGEST}): its images cannot be registered.`,
      "Run `npm run build`, then apply the stack `delivery` again.",
    );
  if (!byDigest.test(image))
    return missing(
      `The build project ${name} builds in ${image || "no image"}, which has no digest.`,
      explainImageDigest("buildImage", ARCHITECTURE),
    );
  if (image !== BUILD_IMAGE)
    return missing(
      `The build project ${name} builds in ${image}, but Terraform applied ${BUILD_IMAGE}: somebody changed it.`,
      "Find out who changed it, then apply the stack `delivery` again.",
    );
  const baseImage = readVariable("BASE_IMAGE");
  if (!byDigest.test(baseImage))
    return missing(
      `The build project ${name} uses the base image ${baseImage || "(none)"}, which has no digest.`,
      explainImageDigest("baseImage", ARCHITECTURE),
    );
  return {
    status: "ok",
    sentence: `The build project ${name} builds in ${image}, on the base image ${baseImage}.`,
  };
};
