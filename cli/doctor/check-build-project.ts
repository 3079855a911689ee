import { BatchGetProjectsCommand, type CodeBuildClient } from "@aws-sdk/client-codebuild";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { explainImageDigest } from "./explain-image-digest.ts";
import type { DoctorFinding } from "./finding.ts";

/** A digest, and not the zeros of the configuration that ships. */
const byDigest = /@sha256:(?!0{64}$)[0-9a-f]{64}$/;

/**
 * Whether the CodeBuild project that builds images is there, by the applied builder, in the applied image and on a base
 * image, which both are named by their digests.
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
  const variable = (wanted: string) => environmentVariables.find((one) => one.name === wanted)?.value ?? "";
  if (project.source?.type !== "NO_SOURCE" || variable("BUILDER_DIGEST") !== BUILDER_DIGEST)
    return missing(
      `The build project ${name} does not build by the platform's own builder (${BUILDER_DIGEST}): what it builds is not registered.`,
      "`npm run build`, then apply the stack `delivery` again.",
    );
  if (!byDigest.test(image))
    return missing(
      `The build project ${name} builds in ${image || "nothing"}, which names no image by its digest.`,
      explainImageDigest("buildImage", ARCHITECTURE),
    );
  if (image !== BUILD_IMAGE)
    return missing(
      `The build project ${name} builds in ${image}, and what was applied is ${BUILD_IMAGE}: somebody changed it.`,
      "Apply the stack `delivery` again, and find out who it was.",
    );
  const baseImage = variable("BASE_IMAGE");
  if (!byDigest.test(baseImage))
    return missing(
      `The build project ${name} puts images on ${baseImage || "nothing"}, which names no image by its digest.`,
      explainImageDigest("baseImage", ARCHITECTURE),
    );
  return {
    status: "ok",
    sentence: `The build project ${name} builds in ${image} and puts images on ${baseImage}.`,
  };
};
