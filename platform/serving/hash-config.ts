import { createHash } from "node:crypto";
import type { FunctionConfig } from "./serving.ts";

/** The SHA-256 of a configuration (64 hex digits), independent of the order of its variables. */
export const hashConfig = (config: FunctionConfig): string =>
  createHash("sha256")
    .update(
      JSON.stringify([
        config.digest,
        config.memoryMb,
        config.timeoutSeconds,
        Object.entries(config.variables).sort(([a], [b]) => (a < b ? -1 : 1)),
        // Only where it is set: versions from before this option keep their hashes.
        ...(config.snapStart ? ["snapStart"] : []),
      ]),
    )
    .digest("hex");
