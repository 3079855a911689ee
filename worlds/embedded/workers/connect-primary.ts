import { Socket } from "node:net";
import type { Admission, Admit } from "#api-keys/admission.ts";
import { readFrames, writeFrame } from "#inference/offload/frames.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import type { StoredItem, WriteBatch } from "#platform/store/store.ts";
import type { RecordCall } from "#worlds/embedded/functions/serve-record-calls.ts";
import type { MessageFromWorker, MessageToWorker } from "./worker-messages.ts";

/** Standard streams, cluster's channel, then this pipe. */
export const pipeDescriptor = 4;

/** Why a batch was not written; null: it was. */
type AppendResult = { readonly name: string; readonly message: string } | null;

type GatheredBatch = {
  readonly batch: WriteBatch;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

/** A shallow check is enough: only the primary writes to this pipe. */
const isMessage = (head: unknown): head is MessageToWorker =>
  typeof head === "object" && head !== null && "kind" in head;

const toError = ({ name, message }: { readonly name: string; readonly message: string }): Error =>
  Object.assign(new Error(message), { name });

/**
 * A worker's side of the pipe to the primary, which owns the data folder: records and API keys are calls. `onMessage` gets
 * all other messages.
 */
export const connectPrimary = (
  onMessage: (message: Exclude<MessageToWorker, { readonly call: number }>, bytes: Uint8Array) => void,
) => {
  const pipe = new Socket({ fd: pipeDescriptor });
  // A worker ends with its primary, even after SIGKILL.
  pipe.on("close", () => process.exit(0));
  pipe.on("error", () => process.exit(0));
  const send = (message: MessageFromWorker, bytes?: Uint8Array): void => writeFrame(pipe, message, bytes);

  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  let callCount = 0;
  const callPrimary = (
    message: (call: number) => MessageFromWorker,
    bytes?: Uint8Array,
  ): Promise<unknown> => {
    const call = ++callCount;
    const pending = Promise.withResolvers<unknown>();
    calls.set(call, pending);
    send(message(call), bytes);
    return pending.promise;
  };
  readFrames(
    pipe,
    ({ head, bytes }) => {
      if (!isMessage(head)) return;
      if (head.kind !== "result" && head.kind !== "refused") return onMessage(head, bytes);
      const pending = calls.get(head.call);
      calls.delete(head.call);
      if (head.kind === "result") pending?.resolve(head.value);
      else pending?.reject(toError(head));
    },
    () => process.exit(1),
  );

  const callRecords = (request: RecordCall) => callPrimary((call) => ({ kind: "records", call, request }));
  let gathered: GatheredBatch[] = [];
  /** All batches of one turn of the event loop share one message, as they share one write of the primary. */
  const sendGathered = (): void => {
    const group = gathered;
    gathered = [];
    callRecords({
      method: "append",
      args: [
        group.map(({ batch: { entries, additions } }) => ({
          entries: [...entries],
          additions: additions.map((addition) => ({ ...addition, amounts: { ...addition.amounts } })),
        })),
      ],
    }).then(
      (results) => {
        for (const [at, { resolve, reject }] of group.entries()) {
          const refusal = (results as readonly AppendResult[])[at];
          if (refusal === null) resolve();
          else reject(refusal ? toError(refusal) : new Error("the primary did not confirm this batch"));
        }
      },
      (error: unknown) => {
        for (const { reject } of group) reject(error);
      },
    );
  };

  // The primary's results have the types of the storage's own calls.
  const storage: RecordStorage = {
    store: {
      get: async (key) =>
        ((await callRecords({ method: "get", args: [key] })) as StoredItem | null) ?? undefined,
      page: async (query) =>
        (await callRecords({ method: "page", args: [query] })) as Awaited<
          ReturnType<RecordStorage["store"]["page"]>
        >,
      putAll: async (entries) => void (await callRecords({ method: "putAll", args: [[...entries]] })),
      add: async () => {
        throw new Error("a worker's counters are written with their records");
      },
    },
    blobs: {
      put: async (blob, bytes, { contentType }) =>
        void (await callPrimary((call) => ({ kind: "putBlob", call, blob, contentType }), bytes)),
      get: async (blob) => {
        const text = (await callRecords({ method: "getBlob", args: [blob] })) as string | null;
        return text === null ? undefined : Buffer.from(text, "base64");
      },
    },
    append: (batch) =>
      new Promise((resolve, reject) => {
        gathered.push({ batch, resolve, reject });
        if (gathered.length === 1) process.nextTick(sendGathered);
      }),
  };
  const admit: Admit = async ({ key }) =>
    (await callPrimary((call) => ({ kind: "admit", call, key: key ?? null }))) as Admission;
  const hasAnyKey = async (): Promise<boolean> =>
    (await callPrimary((call) => ({ kind: "hasAnyKey", call }))) === true;
  return {
    send,
    storage,
    admit,
    hasAnyKey,
    /** Ends this process when the primary has all that was sent. */
    end: (): void => void pipe.end(() => process.exit(0)),
  };
};
