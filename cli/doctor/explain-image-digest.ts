import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";

type Architecture = AwsOutputs["ARCHITECTURE"];

const platforms = { arm64: "linux/arm64", x86_64: "linux/amd64" } as const;

/** Lambda's base image, below the layers of models. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-image.html */
const lambda = { repository: "public.ecr.aws/lambda/nodejs", tag: "24" } as const;

/**
 * CodeBuild's images, in which builds run. Node 24 and Go 1.26 are their default versions.
 * https://github.com/aws/aws-codebuild-docker-images/tree/1590e48/al
 */
const codebuild = {
  arm64: { repository: "public.ecr.aws/codebuild/amazonlinux-aarch64-standard", tag: "4.0" },
  x86_64: { repository: "public.ecr.aws/codebuild/amazonlinux-x86_64-standard", tag: "6.0" },
} as const;

/** The images whose digests terraform/config.ts sets in `images`. */
export const pinnedImages = {
  baseImage: {
    image: () => lambda,
    /** The reference before the digest. */
    reference: () => `${lambda.repository}:${lambda.tag}`,
    next: "; then rebuild every model on it with `slipway deliver --all`",
  },
  buildImage: {
    image: (architecture: Architecture) => codebuild[architecture],
    // CodeBuild accepts <registry>/<repository>@<digest>, without a tag.
    reference: (architecture: Architecture) => codebuild[architecture].repository,
    next: "",
  },
} as const;

/** How to find the digest of one of these images, and where to write it. */
export const explainImageDigest = (
  setting: keyof typeof pinnedImages,
  architecture: Architecture,
): string => {
  const { image, reference, next } = pinnedImages[setting];
  const { repository, tag } = image(architecture);
  return `Find the digest with \`crane digest ${repository}:${tag} --platform ${platforms[architecture]}\`, write ${reference(architecture)}@<digest> to images.${setting} in terraform/config.ts and apply the stack \`delivery\`${next}.`;
};
