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
import { Engine } from "./engine.ts";
import type { LoadedModel } from "./load-model.ts";
import { ModelBusy, RunStopped } from "./model-errors.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { RowsInvalid } from "./rows-invalid.ts";

type Options = {
  /** The model's folder, unchanged since its check. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** The limit for one run. */
  readonly deadlineMs: number;
  /** The limit for the process's resident memory. */
  readonly residentMb: number;
  /** Milliseconds of a monotonic clock. */
  readonly tick: () => number;
  readonly log: (line: string) => void;
};

/** The messages of isolated-process.ts. */
export const IsolatedMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready"), engine: Engine }),
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
/** A run for the process, which works on one at a time. */
export type IsolatedRun = { readonly id: number; readonly rows: unknown };

const startMs = 60_000;
/** Limits the waiting time: each waiting request may wait as long as a run. */
const maxWaiting = 1_000;

type Child = {
  readonly process: ChildProcess;
  readonly engine: Engine;
  /** Sends a run and waits for its result. */
  run(rows: unknown): Promise<IsolatedMessage>;
};

/**
 * Runs a model whose graph may never end in a separate process, because native code stops only with its process. One run
 * at a time; a run that exceeds its time or memory is killed (SIGKILL), and the next one starts a new process. Small
 * requests share a run. After a stopped run each request is repeated alone, so that only the request at fault fails. After
 * consecutive stops new requests are refused for 1, 2, 4, … at most 60 s (ModelBusy, `retryAfter`). There is never more
 * than one process. Throws ModelUnreadable if the model cannot be opened.
 */
export const isolateModel = async (options: Options): Promise<LoadedModel> => {
  const { folder, manifest, deadlineMs, tick, log } = options;
  const memoryMb = Math.max(minResidentMb, options.residentMb);
  let child: Promise<Child> | undefined;
  let current: ChildProcess | undefined;
  let ids = 0;
  let waiting = 0;
  const circuitBreaker = createCircuitBreaker(tick);
  let isReleased = false;

  const kill = () => current?.kill("SIGKILL");
  process.once("exit", kill);

  /** Waits for the process's next message, its exit, the deadline or the memory limit. */
  const waitForMessage = (process: ChildProcess, limitMs: number): Promise<IsolatedMessage> =>
    new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        stopWatching();
        process.off("message", onMessage).off("exit", onExit).off("error", onError);
        settle();
      };
      const stop = (reason: string) => {
        process.kill("SIGKILL");
        end(() => reject(new RunStopped(`the run ${reason} and was stopped`)));
      };
      const onMessage = (received: unknown) => {
        const message = IsolatedMessage.safeParse(received);
        if (!message.success) return stop("sent an unknown message");
        end(() => resolve(message.data));
      };
      const onExit = (code: number | null, signal: string | null) =>
        end(() => reject(new RunStopped(`the model's process ended with ${signal ?? `exit code ${code}`}`)));
      const onError = (error: Error) => end(() => reject(new RunStopped(error.message)));
      const timer = setTimeout(() => stop(`took longer than ${limitMs / 1_000} s`), limitMs);
      const stopWatching = watchMemory({ pid: process.pid, limitMb: memoryMb }, () =>
        stop(`used more than ${memoryMb} MB of memory`),
      );
      process.on("message", onMessage).on("exit", onExit).on("error", onError);
    });

  const start = async (): Promise<Child> => {
    if (isReleased) throw new ModelBusy("the model was released");
    const process = fork(fileURLToPath(new URL("isolated-process.ts", import.meta.url)), [folder], {
      // An empty environment: a hostile model finds no secret in it.
      env: {},
      execArgv: [`--max-old-space-size=${memoryMb}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    // Other requests take precedence over a run.
    if (process.pid !== undefined) setPriority(process.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    current = process;
    const first = await waitForMessage(process, startMs);
    if (first.kind === "broken") throw new ModelUnreadable(first.message);
    if (first.kind !== "ready") throw new ModelUnreadable("the model's process sent an unexpected message");
    process.once("exit", () => {
      if (current === process) child = undefined;
    });
    // An idle process must not keep this one alive; during a run the timer does.
    process.unref();
    process.channel?.unref();
    return {
      process,
      engine: first.engine,
      run: async (rows) => {
        const id = ++ids;
        const message = waitForMessage(process, deadlineMs);
        process.send({ id, rows } satisfies IsolatedRun, () => {});
        return await message;
      },
    };
  };

  const ensureStarted = (): Promise<Child> => {
    child ??= start().catch((error: unknown) => {
      child = undefined;
      current?.kill("SIGKILL");
      throw error;
    });
    return child;
  };

  const run = async (rows: unknown): Promise<Prediction[]> => {
    try {
      const { run } = await ensureStarted();
      const message = await run(rows);
      circuitBreaker.recordEnd();
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
          throw new RunStopped("the model's process sent an unexpected message");
      }
    } catch (error) {
      if (!(error instanceof RunStopped) && !(error instanceof ModelUnreadable)) throw error;
      child = undefined;
      const stops = circuitBreaker.recordStop();
      log(`${error.message}; a new process starts with the next request (consecutive stops: ${stops})`);
      throw error instanceof RunStopped ? error : new ModelBusy(error.message);
    }
  };

  let last: Promise<unknown> = Promise.resolve();
  /** Runs one at a time, because the process has one thread. */
  const runInTurn = (rows: unknown): Promise<Prediction[]> => {
    const predictions = last.then(() => run(rows));
    last = predictions.catch(() => {});
    return predictions;
  };
  const predictBatched = batchRequests(runInTurn);
  const retryAfter = (): number | undefined =>
    circuitBreaker.retryAfter() ?? (waiting >= maxWaiting ? 1 : undefined);

  const { engine } = await ensureStarted();
  return {
    manifest,
    engine,
    retryAfter,
    async predict(rows) {
      const seconds = retryAfter();
      if (seconds !== undefined)
        throw new ModelBusy(
          waiting >= maxWaiting
            ? `${maxWaiting} requests are already waiting`
            : `${circuitBreaker.consecutiveStops()} consecutive runs of this model were stopped; try again in ${seconds} s`,
        );
      waiting++;
      try {
        return await predictBatched(rows);
      } finally {
        waiting--;
      }
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      process.off("exit", kill);
      kill();
    },
  };
};
