import * as z from "zod";
import { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import type { Store, WriteBatch } from "#platform/store/store.ts";
import type { RequestColumns } from "./pack-columns.ts";
import type { RecordText } from "./record-text.ts";

/** The record of one predicted row. */
export const PredictionRecord = z.object({
  /** `<request id>.<index of the row in its request>`. */
  id: z.string(),
  model: z.string(),
  /** The registry's version of the model. */
  version: z.int().nonnegative(),
  digest: z.string(),
  environment: z.enum(["stage", "prod"]),
  prediction: Prediction,
  /** The caller's inputs, if the manifest says `records.inputs: full`. */
  inputs: Row.optional(),
  /** A keyed hash of the inputs, if the manifest says `records.inputs: hashed`; equal inputs have equal hashes. */
  inputsHash: z.string().optional(),
  /** The latency of the whole request. */
  latencyMs: z.number().nonnegative(),
  createdAt: z.iso.datetime(),
});
export type PredictionRecord = z.infer<typeof PredictionRecord>;

/** A predicted request, with one prediction per row. */
export type PredictedRequest = {
  /** The request's id: 1 to 64 of A-Z, a-z, 0-9, _ and -. */
  readonly id: string;
  /** Its arrival, in epoch milliseconds. */
  readonly at: number;
  readonly model: string;
  /** The registry's version of the model. */
  readonly modelVersion: number;
  readonly digest: string;
  readonly environment: "stage" | "prod";
  readonly latencyMs: number;
  readonly rows: readonly Row[];
  readonly predictions: readonly Prediction[];
  /** The same in columns, which spares the objects of `rows` and `predictions`. */
  readonly columns?: RecordColumns | undefined;
};

/** What a record says about its rows and predictions, without objects. */
export type RecordColumns = {
  readonly count: number;
  /** The number of predictions per label. */
  countLabels(): ReadonlyMap<string, number>;
  /** Undefined where the predictions are objects, or the text was not kept. */
  text(withInputs: boolean): RecordText | undefined;
  /** Undefined where the rows have not all the same names, or the predictions are objects. */
  numbers(withInputs: boolean): RequestColumns | undefined;
};

export type Recorder = {
  /** Whether it may write the text of a request's rows, which the scan of the body then has to keep. */
  readonly readsText: boolean;
  /** Records every row of the request. Never throws and ends within its time limit; the log has the reason of `failed`. */
  record(request: PredictedRequest): Promise<"written" | "failed">;
};

export type ListQuery = {
  /** 1 to 100 records. */
  readonly limit: number;
  /** The `cursor` of the previous page. */
  readonly cursor?: string;
  /** Only predictions with this label. */
  readonly label?: string;
};

export const PredictionPage = z.object({
  /** Newest first; rows of one request in the request's order. */
  items: z.array(PredictionRecord),
  /** The cursor of the next page; absent on the last one. A page below its limit can still have one. */
  cursor: z.string().optional(),
  /** The number of all records, or of those with the requested label. */
  total: z.int().nonnegative(),
});
export type PredictionPage = z.infer<typeof PredictionPage>;

export type PredictionReader = {
  /** Reads a record by its id (see PredictionRecord); undefined for any other text. */
  prediction(id: string): Promise<PredictionRecord | undefined>;
  /** Throws CursorInvalid if the cursor does not belong to this list. */
  list(query: ListQuery): Promise<PredictionPage>;
};

/** The storage for records. */
export type RecordStorage = {
  readonly store: Pick<Store, "get" | "page" | "putAll" | "add">;
  readonly blobs: SmallBlobs;
  /**
   * Writes the items and counters of one request together or not at all; resolves when the write survives the end of the
   * process. Absent: `putAll` and `add` in parallel.
   */
  readonly append?: (batch: WriteBatch) => Promise<void>;
};

/** Writes and reads the records of a service. */
export type Records = { readonly recorder: Recorder; readonly reader: PredictionReader };
