import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

type Pinning = {
  /** False where servers and generator share all processors: the figures are then of both. */
  readonly pinned: boolean;
  /** In front of a command: the one processor that servers run on. */
  readonly server: readonly string[];
  /** The one that the load generator runs on. */
  readonly generator: readonly string[];
};

/** Two processors apart, by Linux' taskset; nothing where it is not, or where there is one processor. */
export const detectPinning = (): Pinning => {
  const works = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0,1", "true"]).status === 0;
  return works
    ? { pinned: true, server: ["taskset", "-c", "0"], generator: ["taskset", "-c", "1"] }
    : { pinned: false, server: [], generator: [] };
};
