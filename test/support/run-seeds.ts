import { fork } from "node:child_process";
import { once } from "node:events";
import type * as z from "zod";

type Needs<Result> = {
  /** Sends "ready", then the result of each seed that it is sent. */
  readonly program: string;
  readonly args: readonly string[];
  readonly result: z.ZodType<Result>;
  readonly runs: number;
  readonly first: number;
  readonly processes: number;
  /** Seeds at once in a process. */
  readonly atOnce: number;
  readonly signal: AbortSignal;
  /** @param next the first seed that has not ended; all before it have */
  readonly onResult: (result: Result, next: number) => void;
};

/**
 * Runs a program on `runs` seeds from `first` on, in several processes. Throws if a process ends early. When aborted it
 * waits for the seeds that run. Returns the first seed that has not ended.
 */
export const runSeeds = async <Result extends { readonly seed: number }>({
  program,
  args,
  result: schema,
  runs,
  first,
  processes,
  atOnce,
  signal,
  onResult,
}: Needs<Result>): Promise<number> => {
  const running = new Set<number>();
  let next = first;
  const findNext = () => Math.min(next, ...running);

  const runProcess = async (): Promise<void> => {
    // A group of its own: Ctrl-C in a terminal reaches only this process, which ends the others.
    const child = fork(program, [...args], { stdio: ["ignore", "ignore", "inherit", "ipc"], detached: true });
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
      const result = schema.parse(message);
      own.delete(result.seed);
      running.delete(result.seed);
      onResult(result, findNext());
      sendNext();
    });
    child.on("exit", (code) =>
      fail(new Error(`a process ended early (exit code ${code}); the line before says why.`)),
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
  return findNext();
};
