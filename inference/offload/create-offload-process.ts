import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { createProblem } from "#inference/http/create-problem.ts";
import { type HttpResponse, problemResponse, withHeaders } from "#inference/http/http-response.ts";
import { createCircuitBreaker } from "#inference/model/circuit-breaker.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { watchMemory } from "#platform/processes/watch-memory.ts";
import { readFrames, writeFrame } from "./frames.ts";
import {
  MessageFromProcess,
  type MessageToProcess,
  type RequestMessage,
  type StartMessage,
} from "./messages.ts";

type OffloadProcessLimits = {
  /** Requests that may wait for the one that is answered. */
  readonly waiting: number;
  /** Milliseconds for one answer; the process is killed after that, since native code cannot be ended otherwise. */
  readonly deadlineMs: number;
  /** Milliseconds in which the model has to be open. */
  readonly startMs: number;
  /** Milliseconds without a request after which the process ends and its memory is the machine's again. */
  readonly idleMs: number;
  /** Of its JavaScript. */
  readonly heapMb: number;
  /** Of all its memory, onnxruntime's with it, while it answers: it is killed beyond that. */
  readonly residentMb: number;
};

export const defaultOffloadProcessLimits: OffloadProcessLimits = {
  // Ten large bodies are what memory is kept for (body-budget.ts).
  waiting: 16,
  deadlineMs: 30_000,
  startMs: 60_000,
  idleMs: 60_000,
  heapMb: 1_024,
  residentMb: 2_048,
};

type Needs = {
  readonly start: Omit<StartMessage, "kind">;
  /** Where the process's records are kept; absent: nowhere. */
  readonly place: RecordStorage | undefined;
  readonly report: (metrics: RequestMetrics) => void;
  readonly log: (line: string) => void;
  readonly limits?: OffloadProcessLimits;
  /** Milliseconds of a clock that never goes back. */
  readonly tick?: () => number;
};

/** The same service in a process of its own. */
export type OffloadProcess = {
  /** Answers a request, one after the other. Never rejects: what fails is an answer. */
  answer(request: Omit<RequestMessage, "kind">, body: Uint8Array): Promise<HttpResponse>;
  /** Its process id; undefined: it does not run. */
  pid(): number | undefined;
  stop(): void;
};

const program = fileURLToPath(new URL("./offload-process.ts", import.meta.url));
const overloadedResponse = problemResponse(
  createProblem("overloaded", "Too many large requests wait already: send it again, or fewer rows."),
);
const processEndedResponse = problemResponse(
  createProblem("prediction-failed", "The process that worked on this request ended."),
);
const deadlineResponse = (seconds: number): HttpResponse =>
  problemResponse(
    createProblem("deadline-exceeded", `There was no answer within ${seconds} s: send fewer rows at a time.`),
  );
const memoryResponse = (megabytes: number): HttpResponse =>
  problemResponse(
    createProblem("run-stopped", `It took more than ${megabytes} MB of memory: send fewer rows at a time.`),
  );
const pausedResponse = (stopped: number, seconds: number): HttpResponse =>
  withHeaders(
    problemResponse(
      createProblem(
        "model-busy",
        `${stopped} large requests in a row had to be stopped: ask again in ${seconds} s.`,
      ),
    ),
    { "retry-after": `${seconds}` },
  );
const notReadyResponse = problemResponse(
  createProblem("not-ready", "The model could not be opened for a large request."),
);

type RunningProcess = {
  readonly child: ChildProcess;
  readonly pipe: Socket;
  /** Resolves once requests are taken; rejects where they never will be. */
  readonly ready: Promise<void>;
  reply: ((reply: HttpResponse) => void) | undefined;
};

const toErrorFields = (error: unknown) =>
  error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };

/**
 * A process that runs the same service, bytes in and bytes out, for requests that would hold this one's event loop. It
 * is started by the first of them, answers one at a time and is killed where one takes too long; the next starts it
 * again. Records and metrics come back here, so that each is written once and by one writer.
 */
export const createOffloadProcess = (needs: Needs): OffloadProcess => {
  const {
    start,
    place,
    report,
    log,
    limits = defaultOffloadProcessLimits,
    tick = () => performance.now(),
  } = needs;
  const pause = createCircuitBreaker(tick);
  const { model, environment, functionVersion: version } = start.identity;
  let running: RunningProcess | undefined;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  let idle: NodeJS.Timeout | undefined;

  const keep = async (message: MessageFromProcess, bytes: Uint8Array): Promise<unknown> => {
    if (!place) throw new Error("no records are kept here");
    if (message.kind === "putAll") return place.store.putAll(message.entries);
    if (message.kind === "putBlob")
      return place.blobs.put(message.blob, bytes, { contentType: message.contentType });
    if (message.kind !== "add") return undefined;
    const { key, amounts, expiresAt } = message;
    return place.store.add(key, amounts, expiresAt === undefined ? {} : { expiresAt });
  };

  const launch = (): RunningProcess => {
    const child = spawn(process.execPath, [`--max-old-space-size=${limits.heapMb}`, program], {
      // No environment: the model that it runs finds no secret in it.
      env: {},
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    // Where both want the processor, one row goes before ten thousand.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const pipe = child.stdio[3];
    if (!(pipe instanceof Socket)) throw new TypeError("the process has no pipe");
    const opened = Promise.withResolvers<void>();
    opened.promise.catch(() => undefined);
    const started: RunningProcess = { child, pipe, ready: opened.promise, reply: undefined };
    const send = (message: MessageToProcess, bytes?: Uint8Array) => writeFrame(pipe, message, bytes);
    const kill = () => child.kill("SIGKILL");
    const late = setTimeout(() => {
      opened.reject(new Error(`the model was not open within ${limits.startMs / 1_000} s`));
      kill();
    }, limits.startMs);

    const receive = (message: MessageFromProcess, bytes: Uint8Array) => {
      switch (message.kind) {
        case "ready":
          return opened.resolve();
        case "broken":
          opened.reject(new Error(message.message));
          return void kill();
        case "log":
          return log(message.line);
        case "report":
          return report({
            ...message.metrics,
            labels: new Map(message.metrics.labels),
            environment,
            model,
            version,
          });
        case "reply":
          return started.reply?.({ status: message.status, headers: message.headers, body: bytes });
        case "putAll":
        case "add":
        case "putBlob":
          keep(message, bytes).then(
            () => send({ kind: "result", call: message.call, value: null }),
            (error: unknown) => send({ kind: "refused", call: message.call, ...toErrorFields(error) }),
          );
          return undefined;
        default:
          return message satisfies never;
      }
    };
    readFrames(
      pipe,
      ({ head, bytes }) => receive(MessageFromProcess.parse(head), bytes),
      (error) => {
        log(`the process for large requests spoke another language: ${error.message}`);
        kill();
      },
    );
    // What cannot be written any more has no reader either: its end is told below.
    pipe.on("error", () => undefined);
    child.once("error", (error) => opened.reject(error));
    child.once("exit", (code, signal) => {
      clearTimeout(late);
      if (running === started) running = undefined;
      opened.reject(new Error(`its process ended with ${signal ?? `exit code ${code}`}`));
      started.reply?.(processEndedResponse);
    });
    opened.promise.then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    );
    // It holds nobody who wants to end: it ends with its pipe.
    child.unref();
    pipe.unref();
    send({ kind: "start", ...start });
    return started;
  };

  const failed = (at: number, began: number): void =>
    report({
      environment,
      model,
      version,
      at,
      latencyMs: performance.now() - began,
      failed: true,
      labels: new Map(),
      recordFailed: false,
    });

  const run = async (request: Omit<RequestMessage, "kind">, body: Uint8Array): Promise<HttpResponse> => {
    clearTimeout(idle);
    const at = Date.now();
    const began = performance.now();
    try {
      running ??= launch();
      await running.ready;
    } catch (error) {
      running = undefined;
      log(`a large request was not answered: ${toErrorFields(error).message}`);
      failed(at, began);
      return notReadyResponse;
    }
    const { child, pipe } = running;
    const here = running;
    const answered = Promise.withResolvers<HttpResponse>();
    here.reply = answered.resolve;
    const stop = (why: string, told: HttpResponse) => {
      log(`the process for large requests was killed: ${why} (${pause.stopped()} stopped in a row)`);
      answered.resolve(told);
      if (running === here) running = undefined;
      child.kill("SIGKILL");
    };
    const seconds = limits.deadlineMs / 1_000;
    const timer = setTimeout(
      () => stop(`no answer within ${seconds} s`, deadlineResponse(seconds)),
      limits.deadlineMs,
    );
    const stopWatching = watchMemory({ pid: child.pid, limitMb: limits.residentMb }, () =>
      stop(`it took more than ${limits.residentMb} MB`, memoryResponse(limits.residentMb)),
    );
    writeFrame(pipe, { kind: "request", ...request } satisfies MessageToProcess, body);
    const reply = await answered.promise;
    clearTimeout(timer);
    stopWatching();
    here.reply = undefined;
    if (running === here) pause.ended();
    // The process reports what it answered itself.
    if (reply === processEndedResponse || running !== here) failed(at, began);
    if (reply === processEndedResponse) log("the process for large requests ended while it worked on one");
    return reply;
  };

  const stop = (): void => {
    clearTimeout(idle);
    running?.child.kill("SIGKILL");
    running = undefined;
  };
  process.once("exit", stop);

  return {
    async answer(request, body) {
      const seconds = pause.retryAfter();
      if (seconds !== undefined) return pausedResponse(pause.inARow(), seconds);
      if (waiting > limits.waiting) return withHeaders(overloadedResponse, { "retry-after": "1" });
      waiting++;
      const next = last.then(() => run(request, body));
      last = next.catch(() => undefined);
      try {
        return await next;
      } finally {
        waiting--;
        if (waiting === 0) {
          idle = setTimeout(stop, limits.idleMs);
          idle.unref();
        }
      }
    },
    pid: () => running?.child.pid,
    stop() {
      process.off("exit", stop);
      stop();
    },
  };
};
