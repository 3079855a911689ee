import { BatchGetProjectsCommand, type CodeBuildClient } from "@aws-sdk/client-codebuild";
import type { AwsOutputs } from "../../lambdas/aws-outputs.ts";
import { baseImageVariable, findBaseImage } from "./base-image.ts";
import type { Finding } from "./finding.ts";

/** A digest, and not the zeros of the configuration that ships. */
const byDigest = /@sha256:(?!0{64}$)[0-9a-f]{64}$/;

/** Whether the CodeBuild project that builds images is there, by the applied builder, on a base image that is named by its digest. */
export const checkBuildProject = async (
  client: CodeBuildClient,
  {
    BUILD_PROJECT: name,
    ARCHITECTURE,
    BUILDER_DIGEST,
  }: Pick<AwsOutputs, "BUILD_PROJECT" | "ARCHITECTURE" | "BUILDER_DIGEST">,
): Promise<Finding> => {
  const { projects: [project] = [] } = await client.send(new BatchGetProjectsCommand({ names: [name] }));
  if (project === undefined)
    return {
      status: "missing",
      sentence: `There is no build project ${name}: no image can be built.`,
      remedy: "Apply the stack `delivery` again.",
    };
  const builder = project.environment?.environmentVariables?.find((one) => one.name === "BUILDER_DIGEST");
  if (project.source?.type !== "NO_SOURCE" || builder?.value !== BUILDER_DIGEST)
    return {
      status: "missing",
      sentence: `The build project ${name} does not build by the platform's own builder (${BUILDER_DIGEST}): what it builds is not registered.`,
      remedy: "`npm run build`, then apply the stack `delivery` again.",
    };
  const variables = project.environment?.environmentVariables ?? [];
  const baseImage = variables.find((variable) => variable.name === baseImageVariable)?.value ?? "";
  return byDigest.test(baseImage)
    ? { status: "ok", sentence: `The build project ${name} puts images on ${baseImage}.` }
    : {
        status: "missing",
        sentence: `The build project ${name} puts images on ${baseImage || "nothing"}, which names no image by its digest.`,
        remedy: findBaseImage(ARCHITECTURE),
      };
};
