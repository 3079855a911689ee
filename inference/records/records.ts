import * as z from "zod";
import { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import type { Store } from "#platform/store/store.ts";

/** One answered row as it is kept. */
export const PredictionRecord = z.object({
  /** `<request id>.<index of the row in its request>`. */
  id: z.string(),
  model: z.string(),
  /** The registry's version of the model that answered. */
  version: z.int().nonnegative(),
  digest: z.string(),
  environment: z.enum(["stage", "prod"]),
  prediction: Prediction,
  /** As the caller sent them, where the manifest has `records.inputs: full`. */
  inputs: Row.optional(),
  /** A keyed digest of the inputs, where the manifest has `records.inputs: hashed`; equal inputs have equal ones. */
  inputsHash: z.string().optional(),
  /** What the whole request took. */
  latencyMs: z.number().nonnegative(),
  createdAt: z.iso.datetime(),
});
export type PredictionRecord = z.infer<typeof PredictionRecord>;

/** One answered request: as many rows as predictions. */
export type PredictedRequest = {
  /** The request's id: 1 to 64 of A-Z, a-z, 0-9, _ and -. */
  readonly id: string;
  /** When it came in, epoch milliseconds. */
  readonly at: number;
  readonly model: string;
  /** The registry's version of the model. */
  readonly modelVersion: number;
  readonly digest: string;
  readonly environment: "stage" | "prod";
  readonly latencyMs: number;
  readonly rows: readonly Row[];
  readonly predictions: readonly Prediction[];
};

export type Recorder = {
  /** Keeps every row of the request. Never throws and ends within its time limit; `failed` was told to the log. */
  record(answered: PredictedRequest): Promise<"written" | "failed">;
};

export type ListQuery = {
  /** 1 to 100 records. */
  readonly limit: number;
  /** The `cursor` of the page before. */
  readonly cursor?: string;
  /** Only rows that were answered with this label. */
  readonly label?: string;
};

export const PredictionPage = z.object({
  /** Newest first; rows of one request in the request's order. */
  items: z.array(PredictionRecord),
  /** Where the next page begins; absent on the last one. A page may hold fewer than asked and still have one. */
  cursor: z.string().optional(),
  /** How many records there are in all, of the label where one was asked for. */
  total: z.int().nonnegative(),
});
export type PredictionPage = z.infer<typeof PredictionPage>;

export type PredictionReader = {
  /** `id`: as DataFrameRecord has it; anything else is found nowhere. */
  prediction(id: string): Promise<PredictionRecord | undefined>;
  /** Throws CursorInvalid for what is no cursor of this list. */
  list(query: ListQuery): Promise<PredictionPage>;
};

/** Where records lie. */
export type RecordStorage = {
  readonly store: Pick<Store, "get" | "page" | "putAll" | "add">;
  readonly blobs: Pick<Blobs, "put" | "get">;
};

/** What the service needs to keep records and to show them. */
export type Records = { readonly recorder: Recorder; readonly reader: PredictionReader };
