import { fileURLToPath } from "node:url";
import { z } from "zod";
import { runSeeds } from "#test/support/run-seeds.ts";
import type { StoryStore } from "./story-runner.ts";

const program = fileURLToPath(new URL("run-stories-process.ts", import.meta.url));

const Result = z.object({ seed: z.number(), wrong: z.array(z.string()), log: z.array(z.string()) });
type StoryResult = z.infer<typeof Result>;

export type DecisionsProof = {
  readonly done: number;
  /** Deaths and lost invocations of all stories: without any, they would prove little. */
  readonly mishaps: number;
  readonly wrong: readonly StoryResult[];
  /** The first seed whose story has not ended; all before it have. */
  readonly next: number;
};

/**
 * Runs the stories of `runs` seeds from `first` on, each with exactly one decision, in several processes with several
 * stories at once each. Throws if a process ends early. An aborted proof returns what it has.
 * @param atOnce stories at once in a process; while one waits for a response of its store, another goes on
 */
export const proveDecisions = async ({
  store,
  onProgress,
  ...options
}: {
  readonly store: StoryStore;
  readonly runs: number;
  readonly first: number;
  readonly processes: number;
  readonly atOnce: number;
  readonly signal: AbortSignal;
  readonly onProgress: (proof: DecisionsProof) => void;
}): Promise<DecisionsProof> => {
  const wrong: StoryResult[] = [];
  let [done, mishaps] = [0, 0];
  const next = await runSeeds({
    ...options,
    program,
    args: [store],
    result: Result,
    onResult: (result, next) => {
      done++;
      mishaps += result.log.length;
      if (result.wrong.length > 0) wrong.push(result);
      onProgress({ done, mishaps, wrong, next });
    },
  });
  return { done, mishaps, wrong, next };
};
