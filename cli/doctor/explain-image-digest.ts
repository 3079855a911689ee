import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";

type Architecture = AwsOutputs["ARCHITECTURE"];

const platforms = { arm64: "linux/arm64", x86_64: "linux/amd64" } as const;

/** Lambda's own image, which models' layers are put on. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-image.html */
const lambda = { repository: "public.ecr.aws/lambda/nodejs", tag: "24" } as const;

/**
 * CodeBuild's own images, which builds run in; these have Node 24 and Go 1.26 without being asked for a version.
 * https://github.com/aws/aws-codebuild-docker-images/tree/1590e48/al
 */
const codebuild = {
  arm64: { repository: "public.ecr.aws/codebuild/amazonlinux-aarch64-standard", tag: "4.0" },
  x86_64: { repository: "public.ecr.aws/codebuild/amazonlinux-x86_64-standard", tag: "6.0" },
} as const;

/** The images that `images` of terraform/config.ts names by their digests. */
export const pinnedImages = {
  baseImage: {
    of: () => lambda,
    /** What stands before the digest. */
    named: () => `${lambda.repository}:${lambda.tag}`,
    next: "; `slipway deliver --all` then puts every model on it",
  },
  buildImage: {
    of: (architecture: Architecture) => codebuild[architecture],
    // CodeBuild takes <registry>/<repository>@<digest>, without a tag.
    named: (architecture: Architecture) => codebuild[architecture].repository,
    next: "",
  },
} as const;

/** How a person comes to one of these images, or to a newer one. */
export const explainImageDigest = (
  setting: keyof typeof pinnedImages,
  architecture: Architecture,
): string => {
  const { of, named, next } = pinnedImages[setting];
  const { repository, tag } = of(architecture);
  return `Find the digest with \`crane digest ${repository}:${tag} --platform ${platforms[architecture]}\`, write ${named(architecture)}@<digest> to images.${setting} in terraform/config.ts and apply the stack \`delivery\`${next}.`;
};
