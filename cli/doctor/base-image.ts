import type { AwsOutputs } from "../../lambdas/aws-outputs.ts";

/** Lambda's own image, which models' layers are put on. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-image.html */
export const baseImageName = "public.ecr.aws/lambda/nodejs:24";
/** The build project's variable that says which one, by its digest. */
export const baseImageVariable = "BASE_IMAGE";

const platforms = { arm64: "linux/arm64", x86_64: "linux/amd64" } as const;

/** How a person comes to a base image, or to a newer one. */
export const findBaseImage = (architecture: AwsOutputs["ARCHITECTURE"]): string =>
  `Find the digest with \`crane digest ${baseImageName} --platform ${platforms[architecture]}\`, write ${baseImageName}@<digest> to images.baseImage in terraform/config.ts and apply the stack \`delivery\`; \`slipway deliver --all\` then puts every model on it.`;
