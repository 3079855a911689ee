import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { createProblem } from "#inference/http/create-problem.ts";
import { freeMemory } from "#inference/http/free-memory.ts";
import { type HttpResponse, problemResponse, withHeaders } from "#inference/http/http-response.ts";
import { createCircuitBreaker } from "#inference/model/circuit-breaker.ts";
import { appendInParallel } from "#inference/records/append-in-parallel.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { allocatorSettings } from "#platform/processes/allocator-settings.ts";
import { watchMemory } from "#platform/processes/watch-memory.ts";
import { readFrames, writeFrame } from "./frames.ts";
import {
  MessageFromProcess,
  type MessageToProcess,
  type RequestMessage,
  type StartMessage,
} from "./messages.ts";
import { queueFullResponse } from "./queue-full-response.ts";

type OffloadProcessLimits = {
  /** How many requests may wait behind the current one, and the bytes of all of them. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Milliseconds for one response; then the process is killed, because native code cannot be stopped otherwise. */
  readonly deadlineMs: number;
  /** Milliseconds for opening the model. */
  readonly startMs: number;
  /** Milliseconds without a request after which the process ends and frees its memory. */
  readonly idleMs: number;
  /** The limit of the JavaScript heap. */
  readonly heapMb: number;
  /** The limit of its whole memory during a request, onnxruntime included; then the process is killed. */
  readonly residentMb: number;
};

export const defaultOffloadProcessLimits: OffloadProcessLimits = {
  // Each waits for all before it: of nine equal ones, the last takes nine times as long as one alone.
  waiting: 8,
  waitingBytes: 24 * 1_024 * 1_024,
  deadlineMs: 30_000,
  startMs: 60_000,
  idleMs: 60_000,
  heapMb: 1_024,
  residentMb: 2_048,
};

type Dependencies = {
  readonly start: Omit<StartMessage, "kind">;
  /** The bytes of `model.plan`; absent: the process compiles the model itself. */
  readonly plan?: Uint8Array | undefined;
  /** Storage for the process's records; undefined: none. */
  readonly storage: RecordStorage | undefined;
  readonly report: ((metrics: RequestMetrics) => void) | undefined;
  readonly log: (line: string) => void;
  readonly limits?: OffloadProcessLimits;
  /** Milliseconds of a monotonic clock. */
  readonly tick?: () => number;
};

/** The same service in a separate process. */
export type OffloadProcess = {
  /** Handles one request at a time, and frees the memory of its body. Never rejects: a failure is a response too. */
  handle(request: Omit<RequestMessage, "kind">, body: Uint8Array): Promise<HttpResponse>;
  /** Whether a body of this size would be refused now, because too many wait. */
  isFull(bytes: number): boolean;
  /** Whole seconds until those that wait now are done, at least 1. */
  queueSeconds(): number;
  /** The process id; undefined if it is not running. */
  pid(): number | undefined;
  stop(): void;
};

/** Most of a body's memory is outside of V8's heap: a larger young generation would only hold garbage for longer. */
const youngGeneration = "--max-semi-space-size=2";

const program = fileURLToPath(new URL("./offload-process.ts", import.meta.url));
const processEndedResponse = problemResponse(
  createProblem("prediction-failed", "The process that handled this request ended: try again."),
);
const deadlineResponse = (seconds: number): HttpResponse =>
  problemResponse(
    createProblem("deadline-exceeded", `No response within ${seconds} s: send fewer rows at a time.`),
  );
const memoryResponse = (megabytes: number): HttpResponse =>
  problemResponse(
    createProblem(
      "run-stopped",
      `The run used more than ${megabytes} MB of memory: send fewer rows at a time.`,
    ),
  );
const pausedResponse = (stops: number, seconds: number): HttpResponse =>
  withHeaders(
    problemResponse(
      createProblem(
        "model-busy",
        `${stops} consecutive large requests were stopped: try again in ${seconds} s.`,
      ),
    ),
    { "retry-after": `${seconds}` },
  );
const notReadyResponse = problemResponse(
  createProblem("not-ready", "The model could not be opened for a large request: try again."),
);

type RunningProcess = {
  readonly child: ChildProcess;
  readonly pipe: Socket;
  /** Resolves once the process accepts requests; rejects if it never will. */
  readonly ready: Promise<void>;
  /** Takes the response to the current request. */
  respond: ((response: HttpResponse) => void) | undefined;
};

const toErrorFields = (error: unknown) =>
  error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };

/**
 * Runs the same service in another process, for requests that would block this event loop; requests and responses pass as
 * bytes. The first such request starts it. It handles one at a time and is killed if one takes too long; the next one
 * starts it again. It sends records and metrics back here, so that there is only one writer.
 */
export const createOffloadProcess = ({
  start,
  plan,
  storage,
  report,
  log,
  limits = defaultOffloadProcessLimits,
  tick = () => performance.now(),
}: Dependencies): OffloadProcess => {
  const circuitBreaker = createCircuitBreaker(tick);
  const { model, environment, functionVersion: version } = start.identity;
  let running: RunningProcess | undefined;
  let waiting = 0;
  let waitingBytes = 0;
  /** Of the last requests, the newest counting most. */
  let averageMs = 100;
  let last: Promise<unknown> = Promise.resolve();
  let idle: NodeJS.Timeout | undefined;

  const append = storage && (storage.append ?? appendInParallel(storage.store));
  const storeRecord = async (message: MessageFromProcess, bytes: Uint8Array): Promise<unknown> => {
    if (!storage || !append) throw new Error("there is no storage for records");
    if (message.kind === "putBlob") {
      await storage.blobs.put(message.blob, bytes, { contentType: message.contentType });
      freeMemory(bytes);
      return undefined;
    }
    return message.kind === "append" ? append(message) : undefined;
  };

  const launch = (): RunningProcess => {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${limits.heapMb}`, youngGeneration, program],
      {
        // No variable of this process: a hostile model finds no secret in them.
        env: { ...allocatorSettings },
        stdio: ["ignore", "ignore", "inherit", "pipe"],
      },
    );
    // Small requests in this process take precedence.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const pipe = child.stdio[3];
    if (!(pipe instanceof Socket)) throw new TypeError("the process has no pipe");
    const opened = Promise.withResolvers<void>();
    opened.promise.catch(() => undefined);
    const started: RunningProcess = { child, pipe, ready: opened.promise, respond: undefined };
    const send = (message: MessageToProcess, bytes?: Uint8Array) => writeFrame(pipe, message, bytes);
    const kill = () => child.kill("SIGKILL");
    const startTimer = setTimeout(() => {
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
          return report?.({
            ...message.metrics,
            labels: new Map(message.metrics.labels),
            environment,
            model,
            version,
          });
        case "reply":
          return started.respond?.({
            status: message.status,
            headers: message.headers,
            body: bytes,
            isOwned: true,
          });
        case "append":
        case "putBlob":
          storeRecord(message, bytes).then(
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
        log(`the process for large requests sent an invalid message: ${error.message}`);
        kill();
      },
    );
    // A write to an ended process fails; the exit event below handles it.
    pipe.on("error", () => undefined);
    child.once("error", (error) => opened.reject(error));
    child.once("exit", (code, signal) => {
      clearTimeout(startTimer);
      if (running === started) running = undefined;
      opened.reject(new Error(`its process ended with ${signal ?? `exit code ${code}`}`));
      started.respond?.(processEndedResponse);
    });
    opened.promise.then(
      () => clearTimeout(startTimer),
      () => clearTimeout(startTimer),
    );
    // It must not keep this process alive; it ends with its pipe.
    child.unref();
    pipe.unref();
    send({ kind: "start", ...start }, plan);
    return started;
  };

  const reportFailure = (at: number, started: number): void =>
    report?.({
      environment,
      model,
      version,
      at,
      latencyMs: performance.now() - started,
      failed: true,
      labels: new Map(),
      recordFailed: false,
    });

  const run = async (request: Omit<RequestMessage, "kind">, body: Uint8Array): Promise<HttpResponse> => {
    clearTimeout(idle);
    const at = Date.now();
    const started = performance.now();
    try {
      running ??= launch();
      await running.ready;
    } catch (error) {
      running = undefined;
      log(`a large request failed: ${toErrorFields(error).message}`);
      reportFailure(at, started);
      return notReadyResponse;
    }
    const { child, pipe } = running;
    const current = running;
    const pending = Promise.withResolvers<HttpResponse>();
    current.respond = pending.resolve;
    const stop = (reason: string, failure: HttpResponse) => {
      const stops = circuitBreaker.recordStop();
      log(`the process for large requests was killed: ${reason} (consecutive stops: ${stops})`);
      pending.resolve(failure);
      if (running === current) running = undefined;
      child.kill("SIGKILL");
    };
    const seconds = limits.deadlineMs / 1_000;
    const timer = setTimeout(
      () => stop(`no response within ${seconds} s`, deadlineResponse(seconds)),
      limits.deadlineMs,
    );
    const stopWatching = watchMemory({ pid: child.pid, limitMb: limits.residentMb }, () =>
      stop(`it used more than ${limits.residentMb} MB`, memoryResponse(limits.residentMb)),
    );
    let isWritten = false;
    writeFrame(pipe, { kind: "request", ...request } satisfies MessageToProcess, body, () => {
      isWritten = true;
    });
    const response = await pending.promise;
    averageMs = 0.7 * averageMs + 0.3 * (performance.now() - started);
    // A process that was killed may have left a part that is still to be written.
    if (isWritten) freeMemory(body);
    clearTimeout(timer);
    stopWatching();
    current.respond = undefined;
    if (running === current) circuitBreaker.recordEnd();
    // The process itself reports the requests that it completed.
    if (response === processEndedResponse || running !== current) reportFailure(at, started);
    if (response === processEndedResponse) log("the process for large requests ended during a request");
    return response;
  };

  const stop = (): void => {
    clearTimeout(idle);
    running?.child.kill("SIGKILL");
    running = undefined;
  };
  process.once("exit", stop);

  /** The current request has no part in the bytes: it must be admitted alone, whatever its size. */
  const isFull = (bytes: number): boolean =>
    waiting > limits.waiting || (waiting > 0 && waitingBytes + bytes > limits.waitingBytes);
  const queueSeconds = (): number => Math.max(1, Math.ceil((waiting * averageMs) / 1_000));

  return {
    isFull,
    queueSeconds,
    async handle(request, body) {
      const seconds = circuitBreaker.retryAfter();
      if (seconds !== undefined) return pausedResponse(circuitBreaker.consecutiveStops(), seconds);
      // Read once: a body that was freed has no length any more.
      const bytes = body.length;
      if (isFull(bytes)) return queueFullResponse(queueSeconds());
      waiting++;
      waitingBytes += bytes;
      const next = last.then(() => run(request, body));
      last = next.catch(() => undefined);
      try {
        return await next;
      } finally {
        waiting--;
        waitingBytes -= bytes;
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
