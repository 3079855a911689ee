import type { Prediction } from "#model-folder/manifest/manifest.ts";

type Predict = (rows: unknown) => Promise<Prediction[]>;
type PendingRequest = {
  readonly rows: readonly unknown[];
  readonly resolve: (predictions: Prediction[]) => void;
  readonly reject: (error: unknown) => void;
};

/** Larger requests do not benefit from a batch. */
const maxRequestRows = 100;
const maxBatchRows = 1_000;
/** How many turns of the event loop, of a few microseconds each, a batch may wait while each turn brings more requests. */
const maxTurns = 8;

/**
 * Batches small requests that arrive together, or while the model is busy, into one run: the fixed cost dominates a run of
 * one row, and the later commit of records is shared too. A batch starts after the first turn of the event loop without a
 * new request. If a batch fails, for example because of one caller's invalid row, each request runs alone.
 */
export const batchRequests = (predict: Predict): Predict => {
  const waiting: PendingRequest[] = [];
  let isBusy = false;

  const predictAlone = ({ rows, resolve, reject }: PendingRequest): Promise<void> =>
    predict(rows).then(resolve, reject);

  const predictBatch = async (batch: readonly PendingRequest[]): Promise<void> => {
    const allRows = batch.flatMap(({ rows }) => rows);
    const predictions = batch.length > 1 ? await predict(allRows).catch(() => undefined) : undefined;
    if (!predictions) {
      for (const request of batch) await predictAlone(request);
      return;
    }
    let start = 0;
    for (const { rows, resolve } of batch) {
      resolve(predictions.slice(start, start + rows.length));
      start += rows.length;
    }
  };

  const takeBatch = (): readonly PendingRequest[] => {
    let rows = 0;
    const end = waiting.findIndex((request) => {
      rows += request.rows.length;
      return rows > maxBatchRows;
    });
    return waiting.splice(0, end < 0 ? waiting.length : end);
  };

  /** Starts a batch after a turn without a new request, and continues while requests wait. */
  const schedule = (waitingBefore: number, turns: number): void => {
    setImmediate(async () => {
      if (waiting.length > waitingBefore && turns < maxTurns) return schedule(waiting.length, turns + 1);
      await predictBatch(takeBatch());
      isBusy = waiting.length > 0;
      if (isBusy) schedule(waiting.length, 1);
    });
  };

  return (rows) => {
    if (!Array.isArray(rows) || rows.length === 0 || rows.length > maxRequestRows) return predict(rows);
    return new Promise((resolve, reject) => {
      waiting.push({ rows, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      schedule(waiting.length, 1);
    });
  };
};
