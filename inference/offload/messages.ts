import * as z from "zod";
import type { ModelIdentity } from "#inference/run-prediction.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Json } from "#platform/store/store.ts";

/** The first message to the process; the frame's binary data is the model's plan, if there is one. */
export type StartMessage = {
  readonly kind: "start";
  readonly folder: string;
  /** Its digest is that of the ONNX file in the folder. */
  readonly identity: ModelIdentity;
  readonly manifest: Manifest;
  /** The key for hashing inputs in records, as base64; null: no records. */
  readonly hashKey: string | null;
};

/** A request; its body is the frame's binary data. */
export type RequestMessage = {
  readonly kind: "request";
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** The result of a call that the process made. */
export type CallResult =
  | { readonly kind: "result"; readonly call: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly call: number; readonly name: string; readonly message: string };

export type MessageToProcess = StartMessage | RequestMessage | CallResult;

const key = z.object({ partition: z.string(), sort: z.string() });
const value = z.custom<Json>((json) => json !== undefined);
const expiresAt = z.exactOptional(z.number());

/** A message of the process. */
export const MessageFromProcess = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("broken"), message: z.string() }),
  z.object({ kind: z.literal("log"), line: z.string() }),
  z.object({
    kind: z.literal("report"),
    metrics: z.object({
      latencyMs: z.number(),
      at: z.number(),
      failed: z.boolean(),
      labels: z.array(z.tuple([z.string(), z.number()])),
      scores: z.array(z.number()),
      recordFailed: z.boolean(),
      engine: z.enum(["compiled", "onnxruntime"]).optional(),
      onnxruntimeRuns: z.int().optional(),
    }),
  }),
  /** The response to the request; its body is the frame's binary data. */
  z.object({
    kind: z.literal("reply"),
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()),
  }),
  z.object({
    kind: z.literal("append"),
    call: z.int(),
    entries: z.array(z.object({ key, value, expiresAt })),
    additions: z.array(z.object({ key, amounts: z.record(z.string(), z.number()), expiresAt })),
  }),
  /** The content is the frame's binary data. */
  z.object({ kind: z.literal("putBlob"), call: z.int(), blob: z.string(), contentType: z.string() }),
]);
export type MessageFromProcess = z.infer<typeof MessageFromProcess>;
