import { CodeBuildClient, CreateProjectCommand, DeleteProjectCommand } from "@aws-sdk/client-codebuild";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { motoClientConfig } from "./moto.ts";

/** The image in which builds run. */
export const buildEnvironmentImage = `public.ecr.aws/codebuild/amazonlinux-aarch64-standard@sha256:${"c".repeat(64)}`;

/** Creates or replaces the project that builds images, as Terraform would. `baseImage`: its BASE_IMAGE. */
export const createBuildProject = async (
  endpoint: string,
  {
    name,
    role,
    baseImage,
    builder = handlerEnvironment.BUILDER_DIGEST,
    image = buildEnvironmentImage,
  }: {
    readonly name: string;
    readonly role: string;
    readonly baseImage: string;
    readonly builder?: string;
    readonly image?: string;
  },
): Promise<void> => {
  const client = new CodeBuildClient(motoClientConfig(endpoint));
  // moto has no UpdateProject; deleting a missing project succeeds, as on AWS.
  await client.send(new DeleteProjectCommand({ name }));
  await client.send(
    new CreateProjectCommand({
      name,
      source: { type: "NO_SOURCE", buildspec: "version: 0.2" },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "ARM_CONTAINER",
        image,
        imagePullCredentialsType: "SERVICE_ROLE",
        computeType: "BUILD_GENERAL1_SMALL",
        environmentVariables: [
          { name: "BASE_IMAGE", value: baseImage },
          { name: "BUILDER_DIGEST", value: builder },
        ],
      },
      serviceRole: role,
    }),
  );
  client.destroy();
};
