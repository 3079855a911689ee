import type { CommandContext } from "./command-world.ts";
import type { WorldOptions } from "./options.ts";
import { showProgress } from "./progress.ts";

/** Runs `work` on the world of `--world`. */
export const withWorld = async <T>(
  options: WorldOptions,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> => {
  showProgress(options.world === "aws" ? "Reading from AWS" : "Reading the data folder");
  // Loaded only for its world, because AWS's clients take longer to load than a local command runs.
  if (options.world === "aws") {
    const { withAwsWorld } = await import("./open-aws-world.ts");
    return withAwsWorld(options, work);
  }
  const { withEmbeddedWorld } = await import("./open-embedded-world.ts");
  return withEmbeddedWorld(options.data, work);
};
