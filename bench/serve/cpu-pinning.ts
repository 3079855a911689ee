import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

type Pinning = {
  /** False where servers and load generator share all processors: the figures then include both. */
  readonly pinned: boolean;
  /** Command prefix: the processor that servers run on. */
  readonly server: readonly string[];
  /** Command prefix: the processor of the load generator. */
  readonly generator: readonly string[];
};

/** Two separate processors by Linux' taskset; empty prefixes without taskset, or with one processor. */
export const detectPinning = (): Pinning => {
  const works = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0,1", "true"]).status === 0;
  return works
    ? { pinned: true, server: ["taskset", "-c", "0"], generator: ["taskset", "-c", "1"] }
    : { pinned: false, server: [], generator: [] };
};
