import type { RecordStorage } from "#inference/records/records.ts";
import type { Metrics, RequestMetrics, UnreportedCall } from "#platform/metrics/metrics.ts";
import type { CallCounter } from "#platform/metrics/sqlite.ts";
import type { FunctionCall, FunctionResponse, Functions } from "#platform/serving/functions.ts";
import { type Environment, FunctionBusy, FunctionFailed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { type FunctionProcess, startFunctionProcess } from "./function-process.ts";
import { serveRecordCalls } from "./serve-record-calls.ts";

/** One line of a function's output, at most 4,000 characters. */
export type FunctionLogLine = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: string;
  readonly stream: "stdout" | "stderr";
  readonly line: string;
};

type Needs = {
  /** The folder with the unpacked files of an image. */
  readonly imageRoot: (digest: string) => Promise<string>;
  readonly metrics: Pick<Metrics, "request"> & CallCounter;
  /** Parses a line of CloudWatch's embedded metric format; undefined for any other line. */
  readonly parseEmf: (line: string) => RequestMetrics | undefined;
  readonly onLine: (line: FunctionLogLine) => void;
  /** Whether the alias `live` points to this version, so that it keeps running without requests. */
  readonly staysWarm: (
    call: Pick<FunctionCall, "environment" | "model"> & { version: string },
  ) => Promise<boolean>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly requestId: () => string;
  /** The storage of prediction records and the key of input hashes, in base64; absent: functions keep no records. */
  readonly records?: { readonly place: RecordStorage; readonly hashKey: string };
  /** A version without requests for this long ends, unless `staysWarm`. */
  readonly idleMs?: number;
  readonly initLimitMs?: number;
};

type FunctionHost = Functions & {
  /** Process ids of the running functions. */
  processes(): readonly number[];
  /** Ends all functions and refuses further calls. */
  stop(): Promise<void>;
};

/** One version's process, and the queue of its calls. */
type Slot = {
  process?: FunctionProcess;
  last: Promise<unknown>;
  waiting: number;
  idle?: NodeJS.Timeout;
};

/** Further calls for a version are refused, as Lambda throttles beyond its concurrency. */
const maxWaitingCalls = 1_000;
/** Characters of a body. A larger request runs in another process, so that others need not wait; on AWS none waits. */
const largeBodyChars = 64 * 1_024;

/** Whether a request may take long; a compressed body may hold any amount. */
const isLarge = ({ payload, body: bytesBody }: Pick<FunctionCall, "payload" | "body">): boolean => {
  if (bytesBody && bytesBody.bytes.length > largeBodyChars) return true;
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return false;
  const { body, headers } = payload;
  const isCompressed = typeof headers === "object" && headers !== null && "content-encoding" in headers;
  return typeof body === "string" && (isCompressed || body.length > largeBodyChars);
};

/** Whether it is a health check, which must not wait for another request. */
const isHealthRequest = (payload: Json): boolean =>
  typeof payload === "object" &&
  payload !== null &&
  !Array.isArray(payload) &&
  typeof payload.rawPath === "string" &&
  payload.rawPath.endsWith("/health");

const maxLogLineChars = 4_000;

/**
 * Runs function versions in worker processes. Its first call starts a process, which then handles one request at a time,
 * as on Lambda. If the process ends, the next call starts another.
 */
export const createFunctionHost = (needs: Needs): FunctionHost => {
  const { idleMs = 600_000, initLimitMs = 60_000 } = needs;
  const slots = new Map<string, Slot>();
  const ending = new Set<Promise<void>>();
  let stopped = false;

  /** A request must not fail because its metrics cannot be written (a full disk). */
  const record = (metrics: RequestMetrics): void => {
    try {
      needs.metrics.request(metrics);
    } catch (error) {
      const { environment, model, version } = metrics;
      const line = `the metrics of a request were lost: ${String(error)}`;
      needs.onLine({ environment, model, version, stream: "stderr", line });
    }
  };

  /**
   * As Lambda does, which counts errors and throttles itself: the function wrote no metrics of such a call. Lambda counts a
   * call of a version by its number under another resource than the alias, and no canary reads that.
   */
  const countUnreported = (call: FunctionCall, cause: UnreportedCall["cause"]): void => {
    if (call.byVersion) return;
    const { environment, model, version } = call;
    needs.metrics.unreported({ environment, model, version: version.version, at: needs.clock(), cause });
  };

  const start = async (slot: Slot, call: FunctionCall): Promise<FunctionProcess> => {
    const scope = { environment: call.environment, model: call.model, version: call.version.version };
    const root = await needs.imageRoot(call.version.config.digest).catch((error: unknown) => {
      throw new FunctionFailed(`the image could not be unpacked: ${String(error)}`, { cause: error });
    });
    if (stopped) throw new FunctionFailed("the function host has stopped");
    const started = startFunctionProcess({
      ...call,
      root,
      initLimitMs,
      ...(needs.records && {
        records: serveRecordCalls(needs.records.place, call),
        hashKey: needs.records.hashKey,
      }),
      onOutput: ({ stream, line }) => {
        const metrics = stream === "stdout" ? needs.parseEmf(line) : undefined;
        if (metrics) record(metrics);
        else needs.onLine({ ...scope, stream, line: line.slice(0, maxLogLineChars) });
      },
    });
    slot.process = started;
    try {
      await started.ready;
    } catch (error) {
      await started.end();
      throw error;
    }
    return started;
  };

  const run = async (slot: Slot, call: FunctionCall): Promise<FunctionResponse> => {
    const startedAt = performance.now();
    const warm = slot.process?.running() ? slot.process : undefined;
    const process = warm ?? (await start(slot, call));
    const initMs = performance.now() - startedAt;
    const response = await process.call(needs.requestId(), call);
    return warm ? response : { ...response, initMs };
  };

  const end = (key: string, slot: Slot): void => {
    slots.delete(key);
    if (!slot.process) return;
    const ended = slot.process.end();
    ending.add(ended);
    void ended.finally(() => ending.delete(ended));
  };

  const scheduleIdleCheck = (key: string, slot: Slot, call: FunctionCall, mayStay: boolean): void => {
    clearTimeout(slot.idle);
    slot.idle = setTimeout(async () => {
      const scope = { environment: call.environment, model: call.model, version: call.version.version };
      // A live version must not end because the store is unreadable for a moment.
      const stays = mayStay && (await needs.staysWarm(scope).catch(() => true));
      if (slot.waiting > 0 || slots.get(key) !== slot) return;
      if (stays) scheduleIdleCheck(key, slot, call, mayStay);
      else end(key, slot);
    }, idleMs);
    slot.idle.unref();
  };

  return {
    async invoke(call) {
      if (stopped) throw new FunctionFailed("the function host has stopped");
      const { environment, model, version } = call;
      // Large requests run in a second process, so that ten thousand rows do not delay the version's other requests.
      const slotKey = (kind: "usual" | "large" | "health") =>
        JSON.stringify([environment, model, version.version, version.config, kind]);
      const isBusy = () => (slots.get(slotKey("usual"))?.waiting ?? 0) > 0;
      const kind = isLarge(call) ? "large" : isHealthRequest(call.payload) && isBusy() ? "health" : "usual";
      const key = slotKey(kind);
      const slot = slots.get(key) ?? { last: Promise.resolve(), waiting: 0 };
      slots.set(key, slot);
      if (slot.waiting >= maxWaitingCalls) {
        countUnreported(call, "throttle");
        throw new FunctionBusy(`${maxWaitingCalls} requests wait for version ${version.version} (the limit)`);
      }
      slot.waiting++;
      clearTimeout(slot.idle);
      const response = slot.last.then(() => run(slot, call));
      slot.last = response.catch(() => {});
      try {
        return await response;
      } catch (error) {
        countUnreported(call, "error");
        throw error;
      } finally {
        slot.waiting--;
        if (slot.waiting === 0 && !stopped) scheduleIdleCheck(key, slot, call, kind === "usual");
      }
    },
    processes: () =>
      [...slots.values()].flatMap(({ process }) => (process?.running() && process.pid ? [process.pid] : [])),
    async stop() {
      stopped = true;
      for (const [key, slot] of slots) {
        clearTimeout(slot.idle);
        end(key, slot);
      }
      await Promise.all(ending);
    },
  };
};
