import type { Accounts } from "./read-config.ts";

const placeholderDigest = `sha256:${"0".repeat(64)}`;

/** One sentence for each digest that is still the placeholder of the shipped configuration. */
export const findUnsetDigests = ({ tooling: { images } }: Accounts): readonly string[] =>
  (["buildImage", "baseImage", "firstDigest"] as const)
    .filter((name) => images[name].endsWith(placeholderDigest))
    .map((name) => `tooling.images.${name} is still all zeros: deliveries fail until you set a real digest.`);
