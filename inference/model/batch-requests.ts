import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { batchRuns, type RunLimit } from "./batch-runs.ts";

type Predict = (rows: unknown) => Promise<Prediction[]>;

/** Batches small requests of rows that are objects, as batchRuns does. What is no list of rows runs alone. */
export const batchRequests = (predict: Predict, limit?: RunLimit): Predict => {
  const batched = batchRuns<readonly unknown[], Prediction[]>({
    countRows: (rows) => rows.length,
    merge: (requests) => requests.flat(),
    take: (predictions, start, end) => predictions.slice(start, end),
    run: predict,
    limit,
  });
  return (rows) => (Array.isArray(rows) ? batched(rows) : predict(rows));
};
