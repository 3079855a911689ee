import { fileURLToPath } from "node:url";
import { z } from "zod";
import { runSeeds } from "#test/support/run-seeds.ts";

const program = fileURLToPath(new URL("compare-tree-graphs-process.ts", import.meta.url));

const Comparison = z.object({ seed: z.number(), rows: z.number(), wrong: z.array(z.string()) });

export type KernelProof = {
  readonly done: number;
  /** Graphs that the rules compile; the others prove nothing. */
  readonly compiled: number;
  readonly rows: number;
  readonly wrong: readonly z.infer<typeof Comparison>[];
  /** The first seed whose graph was not compared; all before it were. */
  readonly next: number;
};

/**
 * Compares the graphs of `runs` seeds from `first` on with onnxruntime, in several processes. Throws if a process ends early.
 * An aborted proof returns what it has.
 */
export const proveKernel = async ({
  onProgress,
  ...options
}: {
  readonly runs: number;
  readonly first: number;
  readonly processes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (proof: KernelProof) => void;
}): Promise<KernelProof> => {
  const wrong: z.infer<typeof Comparison>[] = [];
  let [done, compiled, rows] = [0, 0, 0];
  const next = await runSeeds({
    ...options,
    program,
    args: [],
    atOnce: 1,
    result: Comparison,
    onResult: (result, next) => {
      done++;
      rows += result.rows;
      if (result.rows > 0) compiled++;
      if (result.wrong.length > 0) wrong.push(result);
      onProgress({ done, compiled, rows, wrong, next });
    },
  });
  return { done, compiled, rows, wrong, next };
};
