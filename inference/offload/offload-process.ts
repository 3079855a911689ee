/**
 * The inference service of one model in a separate process, started by create-offload-process.ts as
 * `node offload-process.ts`. Frames pass in both directions on file descriptor 3. The parent process stores the records.
 */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { createApp } from "#inference/app.ts";
import type { App } from "#inference/http/app.ts";
import { freeMemory } from "#inference/http/free-memory.ts";
import { loadModelFolder } from "#inference/model/load-model-folder.ts";
import { computeFileDigest } from "#inference/prepared-folder.ts";
import { createRecords } from "#inference/records/create-records.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { createService } from "#inference/service.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import type { Entry, Json } from "#platform/store/store.ts";
import { parseJson } from "#untrusted/parse-json.ts";
import { readFrames, writeFrame } from "./frames.ts";
import type {
  CallResult,
  MessageFromProcess,
  MessageToProcess,
  RequestMessage,
  StartMessage,
} from "./messages.ts";

const pipe = new Socket({ fd: 3 });
/** Sends a message, and frees the memory of its binary data, which must be the message's alone. */
const send = (message: MessageFromProcess, bytes?: Uint8Array): void =>
  writeFrame(pipe, message, bytes, bytes && (() => freeMemory(bytes)));

// This process ends with its parent, even after SIGKILL; only the parent handles Ctrl-C.
pipe.on("close", () => process.exit(0));
pipe.on("error", () => process.exit(0));
process.on("SIGINT", () => undefined);

const calls = new Map<number, PromiseWithResolvers<unknown>>();
let callCount = 0;
const callParent = (message: (call: number) => MessageFromProcess, bytes?: Uint8Array): Promise<unknown> => {
  const call = ++callCount;
  const pending = Promise.withResolvers<unknown>();
  calls.set(call, pending);
  send(message(call), bytes);
  return pending.promise;
};
const settleCall = (result: CallResult): void => {
  const pending = calls.get(result.call);
  calls.delete(result.call);
  if (result.kind === "result") pending?.resolve(result.value);
  else pending?.reject(Object.assign(new Error(result.message), { name: result.name }));
};

const refuse = async (): Promise<never> => {
  throw new Error("this process only appends records");
};
/** The parent gets values, not text: it must not trust the text of a process that runs a model. */
const decodeValue = (entry: Entry): Json => ("json" in entry ? parseJson(entry.json) : entry.value);
const remoteStorage: RecordStorage = {
  store: { get: refuse, page: refuse, putAll: refuse, add: refuse },
  append: async ({ entries, additions }) =>
    void (await callParent((call) => ({
      kind: "append",
      call,
      entries: entries.map((entry) => ({
        key: entry.key,
        value: decodeValue(entry),
        ...(entry.expiresAt === undefined ? {} : { expiresAt: entry.expiresAt }),
      })),
      additions: additions.map((addition) => ({ ...addition, amounts: { ...addition.amounts } })),
    }))),
  blobs: {
    get: refuse,
    put: async (blob, bytes, { contentType }) =>
      void (await callParent((call) => ({ kind: "putBlob", call, blob, contentType }), bytes)),
  },
};

const openApp = async (
  { folder, identity, manifest, hashKey }: StartMessage,
  plan: Uint8Array | undefined,
): Promise<App> => {
  if (computeFileDigest(readFileSync(join(folder, getArtifactFile(manifest)))) !== identity.digest)
    throw new Error(`${folder} has changed since its model was opened: restart the service to serve it`);
  const model = await loadModelFolder(folder, { prepared: { manifest, plan } });
  const log = (line: string) => send({ kind: "log", line });
  const key = hashKey === null ? undefined : Buffer.from(hashKey, "base64");
  const records = createRecords({
    identity,
    manifest,
    hashKey: key && (async () => key),
    clock: Date.now,
    log,
  });
  return createApp(
    createService({
      model,
      identity,
      now: Date.now,
      tick: () => performance.now(),
      newId: (at = Date.now()) => createUuidV7(at, randomUUID()),
      report: ({ labels, scores = [], recordFailed = false, ...metrics }) =>
        send({
          kind: "report",
          metrics: { ...metrics, labels: [...labels], scores: [...scores], recordFailed },
        }),
      log,
      records: records(key && remoteStorage),
    }),
  );
};

let app: App | undefined;
const handleStart = async (message: StartMessage, plan: Uint8Array): Promise<void> => {
  try {
    app = await openApp(message, plan.length > 0 ? plan.slice() : undefined);
    send({ kind: "ready" });
  } catch (error) {
    send({ kind: "broken", message: error instanceof Error ? error.message : String(error) });
  }
};
/** A small one, as of a document, may belong to the service. */
const toOwnBytes = (body: string | Uint8Array): Uint8Array => {
  if (typeof body !== "string") return body.slice();
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(body));
  bytes.write(body);
  return bytes;
};
const handleRequest = async (
  { method, path, query, headers }: RequestMessage,
  body: Uint8Array,
): Promise<void> => {
  const headersByName = new Map(Object.entries(headers));
  const response = await app?.handle({
    method,
    path,
    query,
    header: (name) => headersByName.get(name),
    body: async (limit) => (body.length > limit ? undefined : body),
  });
  freeMemory(body);
  if (!response) return;
  send(
    { kind: "reply", status: response.status, headers: { ...response.headers } },
    toOwnBytes(response.body),
  );
};

/** A shallow check is enough: only create-offload-process.ts writes to this pipe. */
const isMessage = (head: unknown): head is MessageToProcess =>
  typeof head === "object" && head !== null && "kind" in head;

readFrames(
  pipe,
  ({ head, bytes }) => {
    if (!isMessage(head)) return;
    switch (head.kind) {
      case "start":
        return void handleStart(head, bytes);
      case "request":
        return void handleRequest(head, bytes);
      case "result":
      case "refused":
        return settleCall(head);
      default:
        return head satisfies never;
    }
  },
  () => process.exit(1),
);
