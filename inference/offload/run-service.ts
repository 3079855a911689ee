/**
 * The inference service of one model in a process of its own, bytes in and bytes out: `node run-service.ts`, started by
 * service-process.ts. Frames come and go on the third file descriptor. Records are kept by the process that started it.
 */
import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { createApp } from "#inference/app.ts";
import type { App } from "#inference/http/app.ts";
import { openModel } from "#inference/model/open-model.ts";
import type { RecordPlace } from "#inference/records/records.ts";
import { recordsOf } from "#inference/records/records-of.ts";
import { timeOrderedId } from "#inference/records/time-ordered-id.ts";
import { createService } from "#inference/service.ts";
import { readFrames, writeFrame } from "./frames.ts";
import type { CallAnswer, FromProcess, Request, Start, ToProcess } from "./messages.ts";

const pipe = new Socket({ fd: 3 });
const send = (message: FromProcess, bytes?: Uint8Array): void => writeFrame(pipe, message, bytes);

// The other side's end, even by SIGKILL, is this process's end; Ctrl-C in the terminal is the other side's to handle.
pipe.on("close", () => process.exit(0));
pipe.on("error", () => process.exit(0));
process.on("SIGINT", () => undefined);

const calls = new Map<number, PromiseWithResolvers<unknown>>();
let counted = 0;
const ask = (message: (call: number) => FromProcess, bytes?: Uint8Array): Promise<unknown> => {
  const call = ++counted;
  const settle = Promise.withResolvers<unknown>();
  calls.set(call, settle);
  send(message(call), bytes);
  return settle.promise;
};
const settle = (answer: CallAnswer): void => {
  const asked = calls.get(answer.call);
  calls.delete(answer.call);
  if (answer.kind === "result") asked?.resolve(answer.value);
  else asked?.reject(Object.assign(new Error(answer.message), { name: answer.name }));
};

const notHere = async (): Promise<never> => {
  throw new Error("records are read by the process that keeps them");
};
const place: RecordPlace = {
  store: {
    get: notHere,
    page: notHere,
    putAll: async (entries) =>
      void (await ask((call) => ({ kind: "putAll", call, entries: entries.map((entry) => ({ ...entry })) }))),
    add: async (key, amounts, options = {}) => {
      await ask((call) => ({ kind: "add", call, key, amounts: { ...amounts }, ...options }));
      return {};
    },
  },
  blobs: {
    get: notHere,
    put: async (blob, bytes, { contentType }) =>
      void (await ask((call) => ({ kind: "putBlob", call, blob, contentType }), bytes)),
  },
};

const open = async ({ folder, identity, manifest, hashKey }: Start): Promise<App> => {
  const model = await openModel(folder);
  const digest = createHash("sha256").update(await readFile(join(folder, manifest.artifact)));
  const same =
    `sha256:${digest.digest("hex")}` === identity.digest &&
    JSON.stringify(model.manifest) === JSON.stringify(manifest);
  if (!same)
    throw new Error(`${folder} has changed since its model was opened: start the service again to serve it`);
  const log = (line: string) => send({ kind: "log", line });
  const key = hashKey === null ? undefined : Buffer.from(hashKey, "base64");
  const records = recordsOf({ identity, manifest, hashKey: key && (async () => key), clock: Date.now, log });
  return createApp(
    createService({
      model,
      identity,
      now: Date.now,
      tick: () => performance.now(),
      newId: () => timeOrderedId(Date.now(), randomUUID()),
      report: ({ at, latencyMs, failed, labels, recordFailed }) =>
        send({
          kind: "report",
          metrics: { at, latencyMs, failed, labels: [...labels], recordFailed: recordFailed ?? false },
        }),
      log,
      records: records(key && place),
    }),
  );
};

let app: App | undefined;
const start = async (message: Start): Promise<void> => {
  try {
    app = await open(message);
    send({ kind: "ready" });
  } catch (error) {
    send({ kind: "broken", message: error instanceof Error ? error.message : String(error) });
  }
};
const answer = async ({ method, path, query, headers }: Request, body: Uint8Array): Promise<void> => {
  const named = new Map(Object.entries(headers));
  const reply = await app?.answer({
    method,
    path,
    query,
    header: (name) => named.get(name),
    body: async (limit) => (body.length > limit ? undefined : body),
  });
  if (!reply) return;
  const { status, headers: given } = reply;
  send({ kind: "reply", status, headers: { ...given } }, Buffer.from(reply.body));
};

/** By construction: only service-process.ts writes here. */
const isMessage = (head: unknown): head is ToProcess =>
  typeof head === "object" && head !== null && "kind" in head;

readFrames(
  pipe,
  ({ head, bytes }) => {
    if (!isMessage(head)) return;
    switch (head.kind) {
      case "start":
        return void start(head);
      case "request":
        return void answer(head, bytes);
      case "result":
      case "refused":
        return settle(head);
      default:
        return head satisfies never;
    }
  },
  () => process.exit(1),
);
