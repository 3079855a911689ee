import { CodeBuildClient, CreateProjectCommand, DeleteProjectCommand } from "@aws-sdk/client-codebuild";
import { motoClient } from "./moto.ts";

/** Makes the project that builds images, or makes it anew, as Terraform would. `baseImage`: BASE_IMAGE of buildspec.yml. */
export const makeBuildProject = async (
  endpoint: string,
  { name, role, baseImage }: { readonly name: string; readonly role: string; readonly baseImage: string },
): Promise<void> => {
  const client = new CodeBuildClient(motoClient(endpoint));
  // moto knows no UpdateProject; deleting one that is not there succeeds, as on AWS.
  await client.send(new DeleteProjectCommand({ name }));
  await client.send(
    new CreateProjectCommand({
      name,
      source: {
        type: "CODECOMMIT",
        location: "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/models",
      },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "ARM_CONTAINER",
        image: "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        computeType: "BUILD_GENERAL1_SMALL",
        environmentVariables: [{ name: "BASE_IMAGE", value: baseImage }],
      },
      serviceRole: role,
    }),
  );
  client.destroy();
};
