import * as z from "zod";
import { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { ColumnNames } from "./column-format.ts";

/**
 * A request's item in the index: its number of rows, in total and per label. `request` is a small StoredRequest or
 * PackedRequest of `slipway serve`, which then has no item under its id; a scan of the index need not parse it.
 */
export const IndexEntry = z.object({
  rows: z.int().positive(),
  labels: z.record(z.string(), z.int().positive()).optional(),
  request: z.unknown().optional(),
});
export type IndexEntry = z.infer<typeof IndexEntry>;

export const StoredRow = z.object({
  inputs: Row.optional(),
  hash: z.string().optional(),
  prediction: Prediction,
});
export type StoredRow = z.infer<typeof StoredRow>;

/** A request's item under its id: its rows, or the blob with them. */
export const StoredRequest = z.object({
  at: z.number(),
  version: z.int().nonnegative(),
  digest: z.string(),
  latencyMs: z.number().nonnegative(),
  rows: z.union([z.array(StoredRow), z.object({ blob: z.string() })]),
});
export type StoredRequest = z.infer<typeof StoredRequest>;

/** A request whose rows are lists of numbers (packColumns), as `slipway serve` stores it. */
export const PackedRequest = z.object({
  at: z.number(),
  latencyMs: z.number().nonnegative(),
  count: z.int().positive(),
  /** The sort key of the RecordForm that says what the numbers mean. */
  form: z.string(),
  /** Bytes as base64. */
  numbers: z.string(),
});
export type PackedRequest = z.infer<typeof PackedRequest>;

/** What many requests have in common. It is an item of its own, named by its hash. */
export const RecordForm = ColumnNames.extend({
  version: z.int().nonnegative(),
  digest: z.string(),
});
export type RecordForm = z.infer<typeof RecordForm>;
