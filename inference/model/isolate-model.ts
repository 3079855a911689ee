import { type ChildProcess, fork } from "node:child_process";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { Prediction } from "#model-folder/manifest/manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { minResidentMb, watchMemory } from "#platform/processes/watch-memory.ts";
import { batchRequests } from "./batch-requests.ts";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import type { LoadedModel } from "./load-model.ts";
import { ModelBusy, RunStopped } from "./model-errors.ts";
import { OutputNotFinite } from "./read-predictions.ts";
import { RowsInvalid } from "./rows-invalid.ts";

type Options = {
  /** The model's folder, which is as it was checked. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** A run that takes longer is stopped. */
  readonly deadlineMs: number;
  /** Resident memory that the process may take. */
  readonly residentMb: number;
  /** Milliseconds of a clock that never goes back. */
  readonly tick: () => number;
  readonly log: (line: string) => void;
};

/** What isolated-process.ts answers. */
export const IsolatedMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("broken"), message: z.string() }),
  z.object({ kind: z.literal("answered"), id: z.int(), predictions: z.array(Prediction) }),
  z.object({
    kind: z.literal("invalid"),
    id: z.int(),
    problems: z.array(
      z.object({ row: z.int().optional(), input: z.string().optional(), detail: z.string() }),
    ),
  }),
  z.object({ kind: z.literal("not-finite"), id: z.int(), message: z.string() }),
  z.object({ kind: z.literal("failed"), id: z.int(), message: z.string() }),
]);
export type IsolatedMessage = z.infer<typeof IsolatedMessage>;
/** What it is asked, one after the other. */
export type IsolatedRun = { readonly id: number; readonly rows: unknown };

const startMs = 60_000;
/** Requests that wait for a run; more are refused, since each may wait for as long as a run takes. */
const maxWaiting = 1_000;

type Child = {
  readonly process: ChildProcess;
  /** Sends a run and waits for what it came to. */
  run(rows: unknown): Promise<IsolatedMessage>;
};

/**
 * A model whose graph may run for ever, in a process of its own: native code can be ended by ending its process alone.
 * One run at a time; a run beyond the deadline or the memory is killed (SIGKILL) and a new process started. Small
 * requests share a run, and after a run that did not end each is asked again alone, so that only those fail that do
 * not end by themselves. Runs that are stopped again and again, none ending between them, make it refuse new requests
 * for 1, 2, 4, … at most 60 s (ModelBusy, `retryAfter`). There is never more than one process.
 * Throws ModelUnreadable where the model cannot be opened.
 */
export const isolateModel = async (options: Options): Promise<LoadedModel> => {
  const { folder, manifest, deadlineMs, tick, log } = options;
  const memoryMb = Math.max(minResidentMb, options.residentMb);
  let child: Promise<Child> | undefined;
  let current: ChildProcess | undefined;
  let ids = 0;
  let waiting = 0;
  const pause = createCircuitBreaker(tick);
  let released = false;

  const kill = () => current?.kill("SIGKILL");
  process.once("exit", kill);

  /** What becomes of the process next: a message, its death, the deadline or the end of its memory. */
  const next = (process: ChildProcess, limitMs: number): Promise<IsolatedMessage> =>
    new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        stopWatching();
        process.off("message", take).off("exit", gone).off("error", failed);
        settle();
      };
      const stop = (why: string) => {
        process.kill("SIGKILL");
        end(() => reject(new RunStopped(`the run ${why} and was stopped`)));
      };
      const take = (received: unknown) => {
        const message = IsolatedMessage.safeParse(received);
        if (!message.success) return stop("answered in no form that is known");
        end(() => resolve(message.data));
      };
      const gone = (code: number | null, signal: string | null) =>
        end(() =>
          reject(new RunStopped(`the process of the model ended with ${signal ?? `exit code ${code}`}`)),
        );
      const failed = (error: Error) => end(() => reject(new RunStopped(error.message)));
      const timer = setTimeout(() => stop(`took longer than ${limitMs / 1_000} s`), limitMs);
      const stopWatching = watchMemory({ pid: process.pid, limitMb: memoryMb }, () =>
        stop(`took more than ${memoryMb} MB of memory`),
      );
      process.on("message", take).on("exit", gone).on("error", failed);
    });

  const start = async (): Promise<Child> => {
    if (released) throw new ModelBusy("the model was released");
    const process = fork(fileURLToPath(new URL("isolated-process.ts", import.meta.url)), [folder], {
      // No environment: what a hostile model could find there is none of its business.
      env: {},
      execArgv: [`--max-old-space-size=${memoryMb}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    // Where both want the processor, whoever asks for something else goes before a run.
    if (process.pid !== undefined) setPriority(process.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    current = process;
    const first = await next(process, startMs);
    if (first.kind === "broken") throw new ModelUnreadable(first.message);
    process.once("exit", () => {
      if (current === process) child = undefined;
    });
    // It keeps nobody from ending; a run in it does, by its timer.
    process.unref();
    process.channel?.unref();
    return {
      process,
      run: async (rows) => {
        const id = ++ids;
        const answer = next(process, deadlineMs);
        process.send({ id, rows } satisfies IsolatedRun, () => {});
        return await answer;
      },
    };
  };

  const startAnew = (): Promise<Child> => {
    child ??= start().catch((error: unknown) => {
      child = undefined;
      current?.kill("SIGKILL");
      throw error;
    });
    return child;
  };

  const run = async (rows: unknown): Promise<Prediction[]> => {
    try {
      const { run } = await startAnew();
      const message = await run(rows);
      pause.ended();
      switch (message.kind) {
        case "answered":
          return message.predictions;
        case "invalid":
          throw new RowsInvalid(message.problems);
        case "not-finite":
          throw new OutputNotFinite(message.message);
        case "failed":
          throw new Error(message.message);
        default:
          throw new RunStopped("the process of the model answered out of turn");
      }
    } catch (error) {
      if (!(error instanceof RunStopped) && !(error instanceof ModelUnreadable)) throw error;
      child = undefined;
      const stopped = pause.stopped();
      log(`${error.message}; a new process starts with the next request (${stopped} stopped in a row)`);
      throw error instanceof RunStopped ? error : new ModelBusy(error.message);
    }
  };

  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: the process has one thread. */
  const inTurn = (rows: unknown): Promise<Prediction[]> => {
    const answer = last.then(() => run(rows));
    last = answer.catch(() => {});
    return answer;
  };
  const together = batchRequests(inTurn);
  const retryAfter = (): number | undefined => pause.retryAfter() ?? (waiting >= maxWaiting ? 1 : undefined);

  await startAnew();
  return {
    manifest,
    retryAfter,
    async predict(rows) {
      const seconds = retryAfter();
      if (seconds !== undefined)
        throw new ModelBusy(
          waiting >= maxWaiting
            ? `${maxWaiting} requests wait already`
            : `${pause.inARow()} runs of this model were stopped in a row; ask again in ${seconds} s`,
        );
      waiting++;
      try {
        return await together(rows);
      } finally {
        waiting--;
      }
    },
    async release() {
      if (released) return;
      released = true;
      process.off("exit", kill);
      kill();
    },
  };
};
