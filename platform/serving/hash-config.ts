import { createHash } from "node:crypto";
import type { FunctionConfig } from "./serving.ts";

/** A hash that two configurations share when, and only when, they say the same: 64 hex digits. */
export const hashConfig = (config: FunctionConfig): string =>
  createHash("sha256")
    .update(
      JSON.stringify([
        config.digest,
        config.memoryMb,
        config.timeoutSeconds,
        Object.entries(config.variables).sort(([a], [b]) => (a < b ? -1 : 1)),
      ]),
    )
    .digest("hex");
