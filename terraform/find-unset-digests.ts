import type { Accounts } from "./read-config.ts";

const placeholderDigest = `sha256:${"0".repeat(64)}`;

type UnsetDigest = { readonly name: "buildImage" | "baseImage" | "firstDigest"; readonly sentence: string };

/** Each digest that is still the placeholder of the shipped configuration, with a sentence. */
export const findUnsetDigests = ({ tooling: { images } }: Accounts): readonly UnsetDigest[] =>
  (["buildImage", "baseImage", "firstDigest"] as const)
    .filter((name) => images[name].endsWith(placeholderDigest))
    .map((name) => ({
      name,
      sentence: `tooling.images.${name} is still all zeros: deliveries fail until you set a real digest.`,
    }));
