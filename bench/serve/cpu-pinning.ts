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

type Split = Pinning & {
  /** How many processors the servers have. */
  readonly serverProcessors: number;
};

/** All processors but the last for servers, and the last for the load generator, as detectPinning(). */
export const splitProcessors = (): Split => {
  const processors = availableParallelism();
  const { pinned } = detectPinning();
  if (!pinned) return { pinned, server: [], generator: [], serverProcessors: processors };
  const last = processors - 1;
  return {
    pinned,
    server: ["taskset", "-c", `0-${last - 1}`],
    generator: ["taskset", "-c", `${last}`],
    serverProcessors: last,
  };
};
