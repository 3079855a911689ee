import { readdirSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

const ownThreadsFolder = "/proc/self/task";

/**
 * Lets V8's helper threads (marking, sweeping, compiling) give way to the thread that answers. Large bodies are garbage
 * soon; four helpers that mark it took the one processor for 50 ms at a time from requests that had come meanwhile. On
 * Linux, whose threads have priorities of their own; elsewhere it does nothing.
 */
export const lowerV8WorkerPriority = (): void => {
  try {
    for (const thread of readdirSync(ownThreadsFolder))
      if (readFileSync(`${ownThreadsFolder}/${thread}/comm`, "utf8").trim() === "V8Worker")
        setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Another system, or one that does not allow it: all threads are equal then.
  }
};
