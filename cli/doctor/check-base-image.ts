import { readFile } from "node:fs/promises";
import type { AwsOutputs } from "../../lambdas/aws-outputs.ts";
import type { Finding } from "./finding.ts";

const platforms = { arm64: "linux/arm64", x86_64: "linux/amd64" } as const;

/** Whether the image that ours are built on is named by its digest. `file`: base-image.txt of the repository. */
export const checkBaseImage = async (
  file: string,
  { ARCHITECTURE }: Pick<AwsOutputs, "ARCHITECTURE">,
): Promise<Finding> => {
  const named = await readFile(file, "utf8").then(
    (text) => text.trim(),
    () => "",
  );
  if (/@sha256:[0-9a-f]{64}$/.test(named)) return { status: "ok", sentence: `Images are built on ${named}.` };
  const image = "public.ecr.aws/lambda/nodejs";
  const digest = `crane digest ${image}:24 --platform ${platforms[ARCHITECTURE]}`;
  return {
    status: "missing",
    sentence:
      named === ""
        ? "base-image.txt does not say which image ours are built on."
        : `base-image.txt names ${named}, and not an image by its digest.`,
    remedy: `Find the digest, write it and commit it: echo "${image}@$(${digest})" > base-image.txt`,
  };
};
