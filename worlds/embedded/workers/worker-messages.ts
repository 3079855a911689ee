import * as z from "zod";
import type { CallResult } from "#inference/offload/messages.ts";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import { RecordCall } from "#worlds/embedded/functions/serve-record-calls.ts";

/** What a worker serves; the frame's binary data is the model's plan, if it has one. */
export type StartMessage = {
  readonly kind: "start";
  /** The model's folder. */
  readonly folder: string;
  readonly prepared: Omit<PreparedFolder, "plan">;
  readonly environment: "stage" | "prod";
  readonly version: number;
  readonly host: string;
  readonly hostNames: readonly string[];
  /** Whether each request needs a key; otherwise only records do, once a key exists. */
  readonly needsKeys: boolean;
  /** Whether metrics are printed. */
  readonly hasMetrics: boolean;
  /** The key for hashing inputs in records, as base64; null: no records. */
  readonly hashKey: string | null;
};

export type MessageToWorker =
  | StartMessage
  /** 0: any free port. */
  | { readonly kind: "listen"; readonly port: number }
  | { readonly kind: "drain"; readonly limitMs: number }
  | CallResult;

/** A message of a worker. */
export const MessageFromWorker = z.discriminatedUnion("kind", [
  /** The model is loaded; `fingerprint` is that of what it answers from. */
  z.object({ kind: z.literal("ready"), fingerprint: z.string() }),
  z.object({ kind: z.literal("failed"), name: z.string(), message: z.string() }),
  z.object({ kind: z.literal("listening"), url: z.url() }),
  /** The number of requests that it cut off at its end. */
  z.object({ kind: z.literal("drained"), cut: z.int() }),
  z.object({ kind: z.literal("log"), line: z.string() }),
  z.object({ kind: z.literal("metrics"), line: z.string() }),
  z.object({ kind: z.literal("records"), call: z.int(), request: RecordCall }),
  /** The content is the frame's binary data. */
  z.object({ kind: z.literal("putBlob"), call: z.int(), blob: z.string(), contentType: z.string() }),
  z.object({ kind: z.literal("admit"), call: z.int(), key: z.string().nullable() }),
  z.object({ kind: z.literal("hasAnyKey"), call: z.int() }),
]);
export type MessageFromWorker = z.infer<typeof MessageFromWorker>;
