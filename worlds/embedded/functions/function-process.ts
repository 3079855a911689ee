import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { minResidentMb, watchMemory } from "#platform/processes/watch-memory.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { EventTooLarge, type FunctionCall } from "#platform/serving/functions.ts";
import { type Environment, FunctionFailed, type FunctionVersion } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { RecordCall, type serveRecordCalls } from "./serve-record-calls.ts";

/** CloudWatch's limit for a log event, and so for a line of metrics. */
const maxLineChars = 256 * 1024;
/** Time between SIGTERM and SIGKILL. */
const graceMs = 2_000;

const WorkerMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("broken"), message: z.string() }),
  z.object({ kind: z.literal("output"), text: z.string() }),
  z.object({
    kind: z.literal("answer"),
    id: z.string(),
    payload: z.custom<Json>((value) => value !== undefined),
    durationMs: z.number(),
    body: z.exactOptional(z.instanceof(Uint8Array)),
  }),
  z.object({ kind: z.literal("too-large"), id: z.string() }),
  z.object({ kind: z.literal("error"), id: z.string(), message: z.string() }),
  z.object({ kind: z.literal("call"), call: z.int(), request: z.unknown() }),
]);

type OutputLine = { readonly stream: "stdout" | "stderr"; readonly line: string };

type StartOptions = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: FunctionVersion;
  /** The folder with the image's files. */
  readonly root: string;
  /** Time limit for loading the bundle, milliseconds. */
  readonly initLimitMs: number;
  readonly onOutput: (output: OutputLine) => void;
  /** Serves the function's calls to its records; absent: it keeps none. */
  readonly records?: ReturnType<typeof serveRecordCalls> | undefined;
  /** The key of input hashes in records, base64. */
  readonly hashKey?: string | undefined;
};

/** The handler's result, and its duration by the worker's clock. */
type HandlerResult = {
  readonly payload: Json;
  readonly durationMs: number;
  readonly body?: Uint8Array;
};

export type FunctionProcess = {
  readonly pid: number | undefined;
  /** Resolves once the function accepts requests; rejects with FunctionFailed if it cannot start. */
  readonly ready: Promise<void>;
  /** Runs one request; the caller awaits it before the next call. Throws FunctionFailed, EventTooLarge. */
  call(id: string, call: Pick<FunctionCall, "payload" | "body" | "byVersion">): Promise<HandlerResult>;
  readonly running: () => boolean;
  /** Ends the process and waits until it is gone. */
  end(): Promise<void>;
};

/** Forks a worker process for a function version. Of this process's environment it gets only PATH. */
export const startFunctionProcess = (start: StartOptions): FunctionProcess => {
  const { version, config } = start.version;
  const task = join(start.root, "var", "task");
  const child = fork(
    fileURLToPath(new URL("./worker.mjs", import.meta.url)),
    [join(task, "index.mjs"), ...(start.records ? ["records"] : [])],
    {
      cwd: task,
      env: {
        PATH: process.env.PATH,
        TZ: ":UTC",
        LAMBDA_TASK_ROOT: task,
        ...config.variables,
        ...(start.hashKey === undefined ? {} : { RECORDS_HASH_KEY: start.hashKey }),
        AWS_LAMBDA_FUNCTION_NAME: toFunctionName(start.environment, start.model),
        AWS_LAMBDA_FUNCTION_VERSION: version,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMb),
      },
      // A small young generation keeps a worker at 140 MB; without it, large requests take it beyond 155 MB.
      execArgv: [`--max-old-space-size=${config.memoryMb}`, "--max-semi-space-size=4"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Serializing a body of 6 MB as JSON would block the event loop for 30 ms, twice.
      serialization: "advanced",
    },
  );

  let running = true;
  let outOfMemory = false;
  let call: { readonly id: string; readonly settle: PromiseWithResolvers<HandlerResult> } | undefined;
  const ready = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  // `ready` may reject while nobody awaits it.
  ready.promise.catch(() => {});

  const fail = (message: string) => {
    const error = new FunctionFailed(message);
    ready.reject(error);
    call?.settle.reject(error);
    call = undefined;
  };

  const serveRecordCall = async (call: number, request: unknown): Promise<void> => {
    const response = await (async () => {
      if (!start.records) throw new TypeError("this function keeps no records");
      return { kind: "result", call, value: (await start.records(RecordCall.parse(request))) ?? null };
    })().catch((error: unknown) => ({
      kind: "refused",
      call,
      error: error instanceof Error ? { name: error.name, message: error.message } : { name: "Error" },
    }));
    // The process may have ended meanwhile.
    if (child.connected) child.send(response, () => {});
  };

  const stdout = createLineSplitter(maxLineChars, (line) => start.onOutput({ stream: "stdout", line }));
  const stderr = createLineSplitter(maxLineChars, (line) => {
    if (line.includes("heap out of memory")) outOfMemory = true;
    start.onOutput({ stream: "stderr", line });
  });
  child.stdout?.setEncoding("utf8").on("data", stdout.write).on("end", stdout.end);
  child.stderr?.setEncoding("utf8").on("data", stderr.write).on("end", stderr.end);

  child.on("message", (received) => {
    const parsed = WorkerMessage.safeParse(received);
    if (!parsed.success) return;
    const message = parsed.data;
    switch (message.kind) {
      case "ready":
        return ready.resolve();
      case "broken":
        return fail(`the function could not be loaded: ${message.message}`);
      case "output":
        return stdout.write(message.text);
      case "answer":
      case "too-large":
      case "error": {
        if (call?.id !== message.id) return;
        const { settle } = call;
        call = undefined;
        if (message.kind === "answer") {
          const { payload, durationMs, body } = message;
          return settle.resolve({ payload, durationMs, ...(body && { body }) });
        }
        if (message.kind === "too-large")
          return settle.reject(new EventTooLarge("the event is too large for a function"));
        return settle.reject(new FunctionFailed(message.message));
      }
      case "call":
        return void serveRecordCall(message.call, message.request);
      default:
        return message satisfies never;
    }
  });
  child.on("error", (error) => {
    fail(`the function's process failed: ${error.message}`);
    if (child.pid === undefined) {
      running = false;
      gone.resolve();
    }
  });
  // `close` follows the last line of output, which may be V8's out-of-memory message.
  child.on("close", (code, signal) => {
    running = false;
    stdout.end();
    const reason = signal ?? `exit code ${code}`;
    fail(
      outOfMemory
        ? `the function ran out of memory (limit ${config.memoryMb} MB)`
        : `the function ended with ${reason}`,
    );
    gone.resolve();
  });

  const kill = (reason: string) => {
    running = false;
    fail(reason);
    child.kill("SIGKILL");
  };
  const initTimer = setTimeout(
    () => kill(`the function did not load in time (limit ${start.initLimitMs / 1_000} s)`),
    start.initLimitMs,
  );
  ready.promise.finally(() => clearTimeout(initTimer)).catch(() => {});

  return {
    pid: child.pid,
    ready: ready.promise,
    running: () => running,
    async call(id, { payload, body, byVersion }) {
      if (!running) throw new FunctionFailed("the function's process has ended");
      const limitMs = config.timeoutSeconds * 1_000;
      const settle = Promise.withResolvers<HandlerResult>();
      call = { id, settle };
      const timer = setTimeout(
        () => kill(`the function timed out (limit ${config.timeoutSeconds} s)`),
        limitMs,
      );
      // V8's heap limit does not cover native memory, and a graph may allocate more than the machine has.
      const limitMb = Math.max(config.memoryMb, minResidentMb);
      const stopWatching = watchMemory({ pid: child.pid, limitMb }, () => {
        if (running) kill(`the function ran out of memory (limit ${config.memoryMb} MB)`);
      });
      const qualifier = byVersion ? version : "live";
      child.send({ id, qualifier, deadline: Date.now() + limitMs, payload, body }, (error) => {
        if (error)
          settle.reject(new FunctionFailed(`the request did not reach the function: ${error.message}`));
      });
      try {
        return await settle.promise;
      } finally {
        clearTimeout(timer);
        stopWatching();
      }
    },
    async end() {
      running = false;
      // Not disconnect(): Node emits no `close` for a channel that this side closed.
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await gone.promise;
      clearTimeout(timer);
    },
  };
};
