import cluster from "node:cluster";
import { once } from "node:events";
import { Socket } from "node:net";
import type { Admit } from "#api-keys/admission.ts";
import { readFrames, writeFrame } from "#inference/offload/frames.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { serveRecordCalls } from "#worlds/embedded/functions/serve-record-calls.ts";
import { pipeDescriptor } from "./connect-primary.ts";
import { trackHandoffs } from "./track-handoffs.ts";
import { MessageFromWorker, type MessageToWorker, type StartMessage } from "./worker-messages.ts";

/** What the primary does for its workers. */
export type PrimaryServices = {
  /** The model's name, which the primary has read itself. */
  readonly model: string;
  /** Undefined: no records. */
  readonly storage: RecordStorage | undefined;
  readonly admit: Admit;
  readonly hasAnyKey: () => Promise<boolean>;
  readonly printMetrics: (line: string) => void;
  readonly log: (sentence: string) => void;
};

/** A worker's process. */
export type ServeWorker = {
  readonly pid: number | undefined;
  /** Resolves to its model's fingerprint when it is loaded; rejects if that fails. */
  readonly ready: Promise<string>;
  /** Listens on the port and resolves to the URL; rejects with the error of the port, for example PortUnusable. */
  listen(port: number): Promise<string>;
  /** Lets it finish its requests and end. */
  drain(limitMs: number): void;
  kill(): void;
  /** Resolves when the process has ended; `how` is its signal or exit code. */
  readonly ended: Promise<{ readonly how: string; readonly cut: number }>;
};

const toErrorFields = (error: unknown) =>
  error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };

/** Forks a worker and serves its calls. `cluster.setupPrimary` has named its program. */
export const openWorker = (
  start: StartMessage,
  plan: Uint8Array | undefined,
  services: PrimaryServices,
): ServeWorker => {
  const worker = cluster.fork();
  trackHandoffs(worker.process);
  const pipe = worker.process.stdio[pipeDescriptor];
  if (!(pipe instanceof Socket)) throw new TypeError("the worker has no pipe");
  const { model, storage, log } = services;
  const serveRecords = storage && serveRecordCalls(storage, { environment: start.environment, model });
  const ready = Promise.withResolvers<string>();
  const listening = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<{ readonly how: string; readonly cut: number }>();
  // Not every caller waits for both.
  ready.promise.catch(() => undefined);
  listening.promise.catch(() => undefined);
  let cut = 0;

  const kill = (): void => void worker.process.kill("SIGKILL");
  const send = (message: MessageToWorker, bytes?: Uint8Array): void => writeFrame(pipe, message, bytes);
  const respond = (call: number, work: Promise<unknown>): void => {
    work.then(
      (value) => send({ kind: "result", call, value: value ?? null }),
      (error: unknown) => send({ kind: "refused", call, ...toErrorFields(error) }),
    );
  };
  const fail = (error: Error): void => {
    ready.reject(error);
    listening.reject(error);
  };
  const callRecords: NonNullable<typeof serveRecords> = async (call) => {
    if (!serveRecords) throw new Error("there is no storage for records");
    return serveRecords(call);
  };

  const receive = (message: MessageFromWorker, bytes: Uint8Array) => {
    switch (message.kind) {
      case "ready":
        return ready.resolve(message.fingerprint);
      case "failed":
        fail(Object.assign(new Error(message.message), { name: message.name }));
        return kill();
      case "listening":
        return listening.resolve(message.url);
      case "drained":
        cut = message.cut;
        return undefined;
      case "log":
        return log(message.line);
      case "metrics":
        return services.printMetrics(message.line);
      case "records":
        return respond(message.call, callRecords(message.request));
      case "putBlob": {
        const { blob, contentType } = message;
        return respond(
          message.call,
          callRecords({ method: "putBlob", args: [blob, bytes, { contentType }] }),
        );
      }
      case "admit":
        return respond(message.call, services.admit({ key: message.key ?? undefined, model }));
      case "hasAnyKey":
        return respond(message.call, services.hasAnyKey());
      default:
        return message satisfies never;
    }
  };
  readFrames(
    pipe,
    ({ head, bytes }) => receive(MessageFromWorker.parse(head), bytes),
    (error) => {
      log(`a worker sent an invalid message: ${error.message}`);
      kill();
    },
  );
  // A write to an ended process fails; its exit says more.
  pipe.on("error", () => undefined);
  worker.on("error", (error) => fail(error));
  void once(worker, "exit").then(([code, signal]) => {
    const how = String(signal ?? `exit code ${code}`);
    fail(new Error(`a worker ended with ${how} while it started`));
    ended.resolve({ how, cut });
  });
  send(start, plan);
  return {
    pid: worker.process.pid,
    ready: ready.promise,
    listen: (port) => {
      send({ kind: "listen", port });
      return listening.promise;
    },
    drain: (limitMs) => send({ kind: "drain", limitMs }),
    kill,
    ended: ended.promise,
  };
};
