import { readdirSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

const ownThreadsFolder = "/proc/self/task";

/**
 * Lowers the priority of V8's helper threads (marking, sweeping, compiling) below the main thread's. Large bodies soon
 * become garbage, and four marking threads blocked other requests on a single CPU for 50 ms at a time. Only Linux has
 * priorities per thread; elsewhere this does nothing.
 */
export const lowerV8WorkerPriority = (): void => {
  try {
    for (const thread of readdirSync(ownThreadsFolder))
      if (readFileSync(`${ownThreadsFolder}/${thread}/comm`, "utf8").trim() === "V8Worker")
        setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not Linux, or not permitted: all threads keep the same priority.
  }
};
