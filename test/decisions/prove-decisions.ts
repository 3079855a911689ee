import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";
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
  runs,
  first,
  processes,
  atOnce,
  signal,
  onProgress,
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
  const running = new Set<number>();
  let [next, done, mishaps] = [first, 0, 0];
  const describe = (): DecisionsProof => ({ done, mishaps, wrong, next: Math.min(next, ...running) });

  const runProcess = async (): Promise<void> => {
    // A group of its own: Ctrl-C in a terminal reaches only this process, which ends the others.
    const child = fork(program, [store], { stdio: ["ignore", "ignore", "inherit", "ipc"], detached: true });
    const exited = once(child, "exit");
    const { promise: finished, resolve: finish, reject: fail } = Promise.withResolvers<void>();
    const own = new Set<number>();
    const sendNext = () => {
      if (next < first + runs && !signal.aborted) {
        own.add(next);
        running.add(next);
        child.send(next++);
      }
      if (own.size === 0) finish();
    };
    child.on("message", (message: unknown) => {
      if (message === "ready") {
        for (let count = 0; count < atOnce; count++) sendNext();
        return;
      }
      const result = Result.parse(message);
      own.delete(result.seed);
      running.delete(result.seed);
      done++;
      mishaps += result.log.length;
      if (result.wrong.length > 0) wrong.push(result);
      onProgress(describe());
      sendNext();
    });
    child.on("exit", (code) =>
      fail(new Error(`a process with stories ended early (exit code ${code}); the line before says why.`)),
    );
    signal.addEventListener("abort", () => finish());
    try {
      await finished;
    } finally {
      if (child.connected) child.disconnect();
      await exited;
    }
  };
  await Promise.all(Array.from({ length: processes }, runProcess));
  return describe();
};
