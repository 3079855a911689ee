import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "#platform/store/store.ts";
import { type AsyncInvocation, asyncRetries } from "./async-invocation.ts";

export type EmbeddedAsyncInvocation = AsyncInvocation & {
  /** Resolves when no event is running; events that wait for a retry do not count. */
  idle(): Promise<void>;
  /** Ends the waits for retries, and resolves when no event is running. */
  stop(): Promise<void>;
};

/**
 * Lambda's asynchronous invocation in this process: the event passes as JSON, a failed one is run again. Events end with the
 * process; the sweep does what they have left.
 * @param onFailure gets an event after its last attempt, as a dead-letter queue does
 * @param wait rejects if the signal aborts
 */
export const createEmbeddedAsyncInvocation = ({
  run,
  onFailure,
  wait = (ms, signal) => sleep(ms, undefined, { signal, ref: false }),
}: {
  readonly run: (event: Json) => Promise<unknown>;
  readonly onFailure: (event: Json, error: unknown) => void;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}): EmbeddedAsyncInvocation => {
  const stopping = new AbortController();
  const running = new Set<Promise<unknown>>();

  const runOnce = async (payload: string): Promise<{ readonly error: unknown } | undefined> => {
    const attempt = Promise.resolve()
      .then(() => run(JSON.parse(payload)))
      .then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
    running.add(attempt);
    const result = await attempt;
    running.delete(attempt);
    return result;
  };
  const runWithRetries = async (payload: string): Promise<void> => {
    let failure = await runOnce(payload);
    for (const seconds of asyncRetries.delaysSeconds) {
      if (!failure) return;
      await wait(seconds * 1_000, stopping.signal);
      failure = await runOnce(payload);
    }
    if (failure) onFailure(JSON.parse(payload), failure.error);
  };
  const idle = async (): Promise<void> => {
    while (running.size > 0) await Promise.all(running);
  };

  return {
    start: async (event) => {
      // Rejects only when the wait is aborted: this process ends.
      runWithRetries(JSON.stringify(event)).catch(() => undefined);
    },
    idle,
    stop: async () => {
      stopping.abort();
      await idle();
    },
  };
};
