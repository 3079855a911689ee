import * as z from "zod";
import { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { ColumnsHead } from "./column-format.ts";

/**
 * A request's item in the index: its number of rows, in total and per label. `request` is a small StoredRequest of
 * `slipway serve`, which then has no item under its id; a scan of the index need not parse it.
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

/** A request's item under its id: its rows, their columns (unpackColumns), or the blob with either. */
export const StoredRequest = z.object({
  at: z.number(),
  version: z.int().nonnegative(),
  digest: z.string(),
  latencyMs: z.number().nonnegative(),
  rows: z.union([
    z.array(StoredRow),
    z.object({ blob: z.string() }),
    // The numbers are bytes as base64.
    z.object({ columns: ColumnsHead, numbers: z.string() }),
  ]),
});
export type StoredRequest = z.infer<typeof StoredRequest>;
