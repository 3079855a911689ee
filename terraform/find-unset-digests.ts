import type { Accounts } from "./read-config.ts";

const placeholderDigest = `sha256:${"0".repeat(64)}`;

/** A sentence for each digest that is still the one of the configuration that ships: nothing can be delivered with it. */
export const findUnsetDigests = ({ tooling: { images } }: Accounts): readonly string[] =>
  (["buildImage", "baseImage", "firstDigest"] as const)
    .filter((name) => images[name].endsWith(placeholderDigest))
    .map(
      (name) =>
        `tooling.images.${name} is still all zeros: nothing can be delivered until it is a real digest.`,
    );
