import type { RecordStorage } from "#inference/records/records.ts";
import type { Metrics, RequestMetrics } from "#platform/metrics/metrics.ts";
import type { FunctionCall, FunctionResponse, Functions } from "#platform/serving/functions.ts";
import { type Environment, FunctionBusy, FunctionFailed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { type FunctionProcess, startFunctionProcess } from "./function-process.ts";
import { serveRecordCalls } from "./serve-record-calls.ts";

/** What a function printed, one line of at most 4,000 characters. */
export type FunctionLogLine = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: string;
  readonly stream: "stdout" | "stderr";
  readonly line: string;
};

type Needs = {
  /** The folder that holds the files of an image, unpacked. */
  readonly imageRoot: (digest: string) => Promise<string>;
  readonly metrics: Pick<Metrics, "request">;
  /** Reads a line in CloudWatch's embedded metric format; undefined where the line is none. */
  readonly parseEmf: (line: string) => RequestMetrics | undefined;
  readonly onLine: (line: FunctionLogLine) => void;
  /** Whether `live` names this version, so that it is kept although nobody calls it just now. */
  readonly staysWarm: (
    call: Pick<FunctionCall, "environment" | "model"> & { version: string },
  ) => Promise<boolean>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly requestId: () => string;
  /** Where functions keep their predictions, and what they hash inputs under, in base64; absent: they keep none. */
  readonly records?: { readonly place: RecordStorage; readonly hashKey: string };
  /** A version that got no request for so long is asked about with `staysWarm`, and ends. */
  readonly idleMs?: number;
  readonly initLimitMs?: number;
};

type FunctionHost = Functions & {
  /** Process ids of the functions that run now. */
  processes(): readonly number[];
  /** Ends every function and takes no more calls. */
  stop(): Promise<void>;
};

/** One version's place: its process, and the queue of calls for it. */
type Slot = {
  process?: FunctionProcess;
  last: Promise<unknown>;
  waiting: number;
  idle?: NodeJS.Timeout;
};

/** More calls than this waiting for one version are refused, as Lambda throttles beyond its concurrency. */
const maxWaitingCalls = 1_000;
/** Characters of a request's body that is answered beside the others, as AWS answers each that comes meanwhile. */
const largeBodyChars = 64 * 1_024;

/** Whether this request may keep its function busy for long: how much a packed body holds is not known before. */
const isLarge = ({ payload, body: carried }: Pick<FunctionCall, "payload" | "body">): boolean => {
  if (carried && carried.bytes.length > largeBodyChars) return true;
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return false;
  const { body, headers } = payload;
  const packed = typeof headers === "object" && headers !== null && "content-encoding" in headers;
  return typeof body === "string" && (packed || body.length > largeBodyChars);
};

/** Whether this asks how the function is: it is answered while another request is under way, however long that takes. */
const isHealthRequest = (payload: Json): boolean =>
  typeof payload === "object" &&
  payload !== null &&
  !Array.isArray(payload) &&
  typeof payload.rawPath === "string" &&
  payload.rawPath.endsWith("/health");

const maxLogLineChars = 4_000;

/**
 * Runs function versions as worker processes on this machine, each started by its first call and given one
 * request at a time, as Lambda does. A process that ends is started again by the next call.
 */
export const createFunctionHost = (needs: Needs): FunctionHost => {
  const { idleMs = 600_000, initLimitMs = 60_000 } = needs;
  const slots = new Map<string, Slot>();
  const ending = new Set<Promise<void>>();
  let stopped = false;

  /** Metrics that cannot be kept (a full disk) must not fail the request that they tell of. */
  const record = (measured: RequestMetrics): void => {
    try {
      needs.metrics.request(measured);
    } catch (error) {
      const { environment, model, version } = measured;
      const line = `the metrics of a request were lost: ${String(error)}`;
      needs.onLine({ environment, model, version, stream: "stderr", line });
    }
  };

  const start = async (slot: Slot, call: FunctionCall): Promise<FunctionProcess> => {
    const about = { environment: call.environment, model: call.model, version: call.version.version };
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
        const measured = stream === "stdout" ? needs.parseEmf(line) : undefined;
        if (measured) record(measured);
        else needs.onLine({ ...about, stream, line: line.slice(0, maxLogLineChars) });
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
    const began = performance.now();
    const warm = slot.process?.running() ? slot.process : undefined;
    const process = warm ?? (await start(slot, call));
    const initMs = performance.now() - began;
    const answer = await process.call(needs.requestId(), call);
    return warm ? answer : { ...answer, initMs };
  };

  const end = (key: string, slot: Slot): void => {
    slots.delete(key);
    if (!slot.process) return;
    const ended = slot.process.end();
    ending.add(ended);
    void ended.finally(() => ending.delete(ended));
  };

  const whenIdle = (key: string, slot: Slot, call: FunctionCall, mayStay: boolean): void => {
    clearTimeout(slot.idle);
    slot.idle = setTimeout(async () => {
      const about = { environment: call.environment, model: call.model, version: call.version.version };
      // A store that cannot be read just now is no reason to let a live version go.
      const stays = mayStay && (await needs.staysWarm(about).catch(() => true));
      if (slot.waiting > 0 || slots.get(key) !== slot) return;
      if (stays) whenIdle(key, slot, call, mayStay);
      else end(key, slot);
    }, idleMs);
    slot.idle.unref();
  };

  return {
    async invoke(call) {
      if (stopped) throw new FunctionFailed("the function host has stopped");
      const { environment, model, version } = call;
      // A process of its own for large requests: ten thousand rows keep nobody else of the version waiting.
      const keyOf = (kind: "usual" | "large" | "health") =>
        JSON.stringify([environment, model, version.version, version.config, kind]);
      const isBusy = () => (slots.get(keyOf("usual"))?.waiting ?? 0) > 0;
      const kind = isLarge(call) ? "large" : isHealthRequest(call.payload) && isBusy() ? "health" : "usual";
      const key = keyOf(kind);
      const slot = slots.get(key) ?? { last: Promise.resolve(), waiting: 0 };
      slots.set(key, slot);
      if (slot.waiting >= maxWaitingCalls)
        throw new FunctionBusy(`${maxWaitingCalls} requests wait for version ${version.version} already`);
      slot.waiting++;
      clearTimeout(slot.idle);
      const began = performance.now();
      const answer = slot.last.then(() => run(slot, call));
      slot.last = answer.catch(() => {});
      try {
        return await answer;
      } catch (error) {
        // A function that broke wrote no metrics of its own.
        record({
          environment,
          model,
          version: version.version,
          at: needs.clock(),
          latencyMs: performance.now() - began,
          failed: true,
          labels: new Map(),
        });
        throw error;
      } finally {
        slot.waiting--;
        if (slot.waiting === 0 && !stopped) whenIdle(key, slot, call, kind === "usual");
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
