import type { CommandContext } from "./command-world.ts";
import type { WorldOptions } from "./options.ts";

/** Runs `work` on the world that the options name. */
export const withWorld = async <T>(
  options: WorldOptions,
  work: (opened: CommandContext) => Promise<T>,
): Promise<T> => {
  // Each world's packages are loaded only where it is asked for: AWS's clients take longer than a local command.
  if (options.world === "aws") {
    const { withAwsWorld } = await import("./open-aws-world.ts");
    return withAwsWorld(options, work);
  }
  const { withEmbeddedWorld } = await import("./open-embedded-world.ts");
  return withEmbeddedWorld(options.data, work);
};
