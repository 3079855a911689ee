import { Worker } from "node:worker_threads";
import { DataFolderUnusable } from "#platform/errors/data-folder-unusable.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import type { Log } from "#worlds/embedded/capabilities.ts";
import type { SerializedError, ThreadCall, ThreadCalls, ThreadData, ThreadMessage } from "./serve-steps.ts";

type Needs = {
  /** The thread's module, which calls serveSteps. */
  readonly module: URL;
  readonly data: ThreadData;
  readonly log: Log;
  /** Called with the bytes of blobs that steps wrote. */
  readonly wrote: (bytes: number) => void;
  /** The limit of the thread's heap, MB; beyond it the thread ends with all its calls. Default: 2,048. */
  readonly heapMb?: number;
};

/** Time limit for the thread to close its files. */
const graceMs = 5_000;

/** Restores an error of the thread with its name; DataFolderUnusable keeps its class, because callers use instanceof. */
const deserializeError = ({ name, message, stack }: SerializedError): Error => {
  const error = name === "DataFolderUnusable" ? new DataFolderUnusable(message) : new Error(message);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name });
  if (stack !== undefined) error.stack = stack;
  return error;
};

/**
 * Calls the steps in another thread, so that their work does not delay requests to prod. If the thread ends (for example
 * out of memory), its calls fail with TemporaryFault, which the state machine retries; the next call starts a new thread.
 */
export const createStepsThreadClient = ({ module, data, log, wrote, heapMb = 2_048 }: Needs) => {
  type Waiting = PromiseWithResolvers<unknown>;
  let thread:
    | { readonly worker: Worker; readonly waiting: Map<number, Waiting>; readonly gone: Promise<void> }
    | undefined;
  let calls = 0;
  let stopped = false;

  const start = () => {
    const worker = new Worker(module, {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    const waiting = new Map<number, Waiting>();
    const gone = Promise.withResolvers<void>();
    const settle = (id: number): Waiting | undefined => {
      const one = waiting.get(id);
      waiting.delete(id);
      return one;
    };
    worker.on("message", (message: ThreadMessage) => {
      if (message.kind === "log")
        return log(message.sentence, message.fault && deserializeError(message.fault));
      if (message.kind === "broken") {
        // The next call starts another thread, because somebody may repair the folder meanwhile.
        if (thread?.worker === worker) thread = undefined;
        for (const id of waiting.keys()) settle(id)?.reject(deserializeError(message.fault));
        return void worker.terminate();
      }
      wrote(message.blobBytes);
      if (message.kind === "answered") settle(message.id)?.resolve(message.output);
      else settle(message.id)?.reject(deserializeError(message.fault));
    });
    let why: unknown;
    worker.on("error", (fault) => {
      why = fault;
      log("the steps' thread ended", fault);
    });
    worker.on("exit", () => {
      if (thread?.worker === worker) thread = undefined;
      const words = why instanceof Error ? `: ${why.message}` : "";
      for (const one of waiting.values())
        one.reject(new TemporaryFault(`The thread that ran this step ended${words}.`, { cause: why }));
      gone.resolve();
    });
    thread = { worker, waiting, gone: gone.promise };
    return thread;
  };

  const send = ({ worker }: { readonly worker: Worker }, message: ThreadCall) => worker.postMessage(message);

  return {
    /** Calls a function in the thread; rejects with the name and message of its error. */
    call<Name extends keyof ThreadCalls>(
      name: Name,
      ...args: Parameters<ThreadCalls[Name]>
    ): ReturnType<ThreadCalls[Name]> {
      const answered = Promise.withResolvers<unknown>();
      if (stopped) answered.reject(new TemporaryFault("The steps' thread has been stopped."));
      else {
        const { worker, waiting } = thread ?? start();
        calls += 1;
        waiting.set(calls, answered);
        send({ worker }, { kind: "call", id: calls, name, args });
      }
      // The thread's result is a structured clone, so it keeps its type.
      return answered.promise as ReturnType<ThreadCalls[Name]>;
    },
    async stop(): Promise<void> {
      stopped = true;
      if (!thread) return;
      const { worker, gone } = thread;
      send(thread, { kind: "stop" });
      // A thread in an endless loop does not get the message.
      const impatient = setTimeout(() => void worker.terminate(), graceMs);
      await gone;
      clearTimeout(impatient);
    },
  };
};
export type StepsThreadClient = ReturnType<typeof createStepsThreadClient>;
