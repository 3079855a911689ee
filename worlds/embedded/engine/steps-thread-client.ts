import { Worker } from "node:worker_threads";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { DataFolderUnusable } from "#platform/store/data-folder-unusable.ts";
import type { Log } from "#worlds/embedded/world.ts";
import type { SerializedError, ThreadCall, ThreadCalls, ThreadData, ThreadMessage } from "./serve-steps.ts";

type Needs = {
  /** The module that the thread runs; it calls serveSteps. */
  readonly module: URL;
  readonly data: ThreadData;
  readonly log: Log;
  /** Told the bytes of blobs that steps wrote. */
  readonly wrote: (bytes: number) => void;
  /** Of the thread's heap, megabytes; what needs more ends the thread with all its calls. Default: 2,048. */
  readonly heapMb?: number;
};

/** What the thread may take to close its files. */
const graceMs = 5_000;

/** An error of the thread under the name that it had there; one that this process looks for by its class keeps that. */
const deserializeError = ({ name, message, stack }: SerializedError): Error => {
  const error = name === "DataFolderUnusable" ? new DataFolderUnusable(message) : new Error(message);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name });
  if (stack !== undefined) error.stack = stack;
  return error;
};

/**
 * Calls the steps in a thread of their own, so that nothing that they read or reckon keeps waiting who calls prod. A thread
 * that ends, for want of memory say, fails its calls with TemporaryFault, which the state machine retries; the next
 * call starts another.
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
        // Another thread may find the folder mended.
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
    /** One call in the thread. Throws what it threw there, by name and message. */
    call<Name extends keyof ThreadCalls>(
      name: Name,
      ...args: Parameters<ThreadCalls[Name]>
    ): ReturnType<ThreadCalls[Name]> {
      const answered = Promise.withResolvers<unknown>();
      if (stopped) answered.reject(new TemporaryFault("The steps have been stopped."));
      else {
        const { worker, waiting } = thread ?? start();
        calls += 1;
        waiting.set(calls, answered);
        send({ worker }, { kind: "call", id: calls, name, args });
      }
      // What goes through a thread is cloned: it has the type that it had there.
      return answered.promise as ReturnType<ThreadCalls[Name]>;
    },
    async stop(): Promise<void> {
      stopped = true;
      if (!thread) return;
      const { worker, gone } = thread;
      send(thread, { kind: "stop" });
      // One that is in the midst of something endless does not hear it.
      const impatient = setTimeout(() => void worker.terminate(), graceMs);
      await gone;
      clearTimeout(impatient);
    },
  };
};
export type StepsThreadClient = ReturnType<typeof createStepsThreadClient>;
