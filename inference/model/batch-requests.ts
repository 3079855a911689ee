import type { Prediction } from "#model-folder/manifest/manifest.ts";

type Predict = (rows: unknown) => Promise<Prediction[]>;
type PendingRequest = {
  readonly rows: readonly unknown[];
  readonly resolve: (predictions: Prediction[]) => void;
  readonly reject: (error: unknown) => void;
};

/** A request of more rows gains nothing from company. */
const maxRequestRows = 100;
const maxBatchRows = 1_000;
/** Turns of the event loop, of some microseconds each, for which a run waits at most while each brings more requests. */
const maxTurns = 8;

/**
 * Answers small requests that arrive one upon the other, or while the model is busy, in one run: a run of one row is
 * mostly the cost of a run, and what follows it (a commit of records) is shared as well. A run waits for no more than
 * the first turn of the event loop that brings nobody. Where a run of several fails, which one caller's bad row makes it
 * do, each is answered alone.
 */
export const batchRequests = (answer: Predict): Predict => {
  const waiting: PendingRequest[] = [];
  let busy = false;

  const alone = ({ rows, resolve, reject }: PendingRequest): Promise<void> =>
    answer(rows).then(resolve, reject);

  const together = async (asked: readonly PendingRequest[]): Promise<void> => {
    const all = asked.flatMap(({ rows }) => rows);
    const predictions = asked.length > 1 ? await answer(all).catch(() => undefined) : undefined;
    if (!predictions) {
      for (const one of asked) await alone(one);
      return;
    }
    let from = 0;
    for (const { rows, resolve } of asked) {
      resolve(predictions.slice(from, from + rows.length));
      from += rows.length;
    }
  };

  const next = (): readonly PendingRequest[] => {
    let rows = 0;
    const beyond = waiting.findIndex((asked) => {
      rows += asked.rows.length;
      return rows > maxBatchRows;
    });
    return waiting.splice(0, beyond < 0 ? waiting.length : beyond);
  };

  /** Runs what waits once a turn brings no more, and goes on as long as anything waits. */
  const run = (before: number, turns: number): void => {
    setImmediate(async () => {
      if (waiting.length > before && turns < maxTurns) return run(waiting.length, turns + 1);
      await together(next());
      busy = waiting.length > 0;
      if (busy) run(waiting.length, 1);
    });
  };

  return (rows) => {
    if (!Array.isArray(rows) || rows.length === 0 || rows.length > maxRequestRows) return answer(rows);
    return new Promise((resolve, reject) => {
      waiting.push({ rows, resolve, reject });
      if (busy) return;
      busy = true;
      run(waiting.length, 1);
    });
  };
};
