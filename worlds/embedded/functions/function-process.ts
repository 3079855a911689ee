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

/** CloudWatch's limit for one log event, which is also the longest metrics line. */
const maxLineChars = 256 * 1024;
/** A function that is asked to end and does not is killed after this. */
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
  z.object({ kind: z.literal("call"), call: z.int(), asked: z.unknown() }),
]);

type OutputLine = { readonly stream: "stdout" | "stderr"; readonly line: string };

type StartOptions = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: FunctionVersion;
  /** Folder that holds the image's files. */
  readonly root: string;
  /** Milliseconds that loading the bundle may take. */
  readonly initLimitMs: number;
  readonly onOutput: (output: OutputLine) => void;
  /** Answers what the function asks of its records; absent: it keeps none. */
  readonly records?: ReturnType<typeof serveRecordCalls> | undefined;
  /** Base64 of what records hash inputs under. */
  readonly hashKey?: string | undefined;
};

/** What the handler answered, and how long it took by its own process's clock. */
type HandlerResult = {
  readonly payload: Json;
  readonly durationMs: number;
  readonly body?: Uint8Array;
};

export type FunctionProcess = {
  readonly pid: number | undefined;
  /** Resolves once the function takes requests. Throws FunctionFailed where it never will. */
  readonly ready: Promise<void>;
  /** Runs one request; the caller waits for its answer before it sends the next. Throws FunctionFailed, EventTooLarge. */
  call(id: string, call: Pick<FunctionCall, "payload" | "body">): Promise<HandlerResult>;
  readonly running: () => boolean;
  /** Ends the process and waits until it is gone. */
  end(): Promise<void>;
};

/** Forks one worker process for a function version. It sees its own variables and PATH, nothing else of ours. */
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
      // The small young generation keeps a worker at 140 MB where large requests would bring it past 155.
      execArgv: [`--max-old-space-size=${config.memoryMb}`, "--max-semi-space-size=4"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // As JSON, a body of six megabytes would hold the event loop of all for 30 ms, twice.
      serialization: "advanced",
    },
  );

  let running = true;
  let outOfMemory = false;
  let call: { readonly id: string; readonly settle: PromiseWithResolvers<HandlerResult> } | undefined;
  const ready = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  // The callers of `ready` and `call` see the failure; nobody need be waiting when a process ends.
  ready.promise.catch(() => {});

  const fail = (message: string) => {
    const error = new FunctionFailed(message);
    ready.reject(error);
    call?.settle.reject(error);
    call = undefined;
  };

  const answerRecords = async (call: number, asked: unknown): Promise<void> => {
    const answer = await (async () => {
      if (!start.records) throw new TypeError("this function keeps no records");
      return { kind: "result", call, value: (await start.records(RecordCall.parse(asked))) ?? null };
    })().catch((error: unknown) => ({
      kind: "refused",
      call,
      error: error instanceof Error ? { name: error.name, message: error.message } : { name: "Error" },
    }));
    // A function that is gone by now wants no answer.
    if (child.connected) child.send(answer, () => {});
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
          return settle.reject(new EventTooLarge("the event has more bytes than a function takes"));
        return settle.reject(new FunctionFailed(message.message));
      }
      case "call":
        return void answerRecords(message.call, message.asked);
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
  // `close` comes after the last line of output, which says whether memory ran out.
  child.on("close", (code, signal) => {
    running = false;
    stdout.end();
    const how = signal ?? `exit code ${code}`;
    fail(
      outOfMemory
        ? `the function ran out of its ${config.memoryMb} MB of memory`
        : `the function ended with ${how}`,
    );
    gone.resolve();
  });

  const kill = (reason: string) => {
    running = false;
    fail(reason);
    child.kill("SIGKILL");
  };
  const initTimer = setTimeout(
    () => kill(`the function was not loaded within ${start.initLimitMs / 1_000} s`),
    start.initLimitMs,
  );
  ready.promise.finally(() => clearTimeout(initTimer)).catch(() => {});

  return {
    pid: child.pid,
    ready: ready.promise,
    running: () => running,
    async call(id, { payload, body }) {
      if (!running) throw new FunctionFailed("the function's process has ended");
      const limitMs = config.timeoutSeconds * 1_000;
      const settle = Promise.withResolvers<HandlerResult>();
      call = { id, settle };
      const timer = setTimeout(
        () => kill(`the function took longer than ${config.timeoutSeconds} s`),
        limitMs,
      );
      // Native memory too, which no limit on V8's heap covers: a graph can ask for more than the machine has.
      const limitMb = Math.max(config.memoryMb, minResidentMb);
      const stopWatching = watchMemory({ pid: child.pid, limitMb }, () => {
        if (running) kill(`the function ran out of its ${config.memoryMb} MB of memory`);
      });
      child.send({ id, deadline: Date.now() + limitMs, payload, body }, (error) => {
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
      // Not by disconnect(): Node emits no `close` for a channel that this side closed.
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await gone.promise;
      clearTimeout(timer);
    },
  };
};
