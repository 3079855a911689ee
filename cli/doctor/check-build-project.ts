import { BatchGetProjectsCommand, type CodeBuildClient } from "@aws-sdk/client-codebuild";
import type { AwsOutputs } from "../../lambdas/aws-outputs.ts";
import type { Finding } from "./finding.ts";

/** Whether the CodeBuild project that builds images is there. */
export const checkBuildProject = async (
  client: CodeBuildClient,
  { BUILD_PROJECT: name }: AwsOutputs,
): Promise<Finding> => {
  const { projects = [] } = await client.send(new BatchGetProjectsCommand({ names: [name] }));
  return projects.length > 0
    ? { status: "ok", sentence: `The build project ${name} is there.` }
    : {
        status: "missing",
        sentence: `There is no build project ${name}: no image can be built.`,
        remedy: "Apply the stack `delivery` again.",
      };
};
