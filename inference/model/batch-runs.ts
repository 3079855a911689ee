/** The longest merged run, and a clock that counts the work of this thread; both in milliseconds. */
export type RunLimit = { readonly maxRunMs: number; readonly readWorkMs: () => number };

/**
 * For runs on the event loop, which must not block it for more than 5 ms with what is done around them. Processor time, so
 * that a busy machine changes nothing.
 */
export const eventLoopLimit: RunLimit = {
  maxRunMs: 4,
  readWorkMs: () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  },
};

/** What a batcher needs to know of requests and their answers. */
type Operations<Request, Answer> = {
  readonly countRows: (request: Request) => number;
  /** One request with the rows of all, in their order. */
  readonly merge: (requests: readonly Request[]) => Request;
  /** The answers of rows `start` to `end` of a merged request. */
  readonly take: (answer: Answer, start: number, end: number) => Answer;
  readonly run: (request: Request) => Promise<Answer>;
  /** Absent: a run does not block the event loop. */
  readonly limit?: RunLimit | undefined;
};

type PendingRequest<Request, Answer> = {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

/** Larger requests do not benefit from a batch. */
const maxRequestRows = 100;
const maxBatchRows = 1_000;
/** How many turns of the event loop, of a few microseconds each, a batch may wait while each turn brings more requests. */
const maxTurns = 8;

/**
 * Batches small requests that arrive together, or while the model is busy, into one run: the fixed cost dominates a run of
 * one row, and the later commit of records is shared too. With a `limit`, a batch has no more rows than run within it, by
 * the time that the last runs took. A batch starts after the first turn of the event loop without a
 * new request. If a batch fails, for example because of one caller's invalid row, each request runs alone.
 */
export const batchRuns = <Request, Answer>({
  countRows,
  merge,
  take,
  limit,
  ...operations
}: Operations<Request, Answer>) => {
  const waiting: PendingRequest<Request, Answer>[] = [];
  let isBusy = false;
  /** Of the last runs, the newest counting most; 0: nothing was measured. */
  let msPerRow = 0;

  const run = async (request: Request): Promise<Answer> => {
    if (!limit) return operations.run(request);
    const start = limit.readWorkMs();
    const answer = await operations.run(request);
    const measured = (limit.readWorkMs() - start) / Math.max(1, countRows(request));
    msPerRow = msPerRow === 0 ? measured : 0.7 * msPerRow + 0.3 * measured;
    return answer;
  };
  const maxRows = (): number =>
    limit && msPerRow > 0 ? Math.min(maxBatchRows, limit.maxRunMs / msPerRow) : maxBatchRows;

  const runAlone = ({ request, resolve, reject }: PendingRequest<Request, Answer>): Promise<void> =>
    run(request).then(resolve, reject);

  const runBatch = async (batch: readonly PendingRequest<Request, Answer>[]): Promise<void> => {
    const answer =
      batch.length > 1
        ? await run(merge(batch.map(({ request }) => request))).catch(() => undefined)
        : undefined;
    if (answer === undefined) {
      for (const pending of batch) await runAlone(pending);
      return;
    }
    let start = 0;
    for (const { request, resolve } of batch) {
      const end = start + countRows(request);
      resolve(take(answer, start, end));
      start = end;
    }
  };

  const takeBatch = (): readonly PendingRequest<Request, Answer>[] => {
    let rows = 0;
    const most = maxRows();
    const end = waiting.findIndex(({ request }, index) => {
      rows += countRows(request);
      return index > 0 && rows > most;
    });
    return waiting.splice(0, end < 0 ? waiting.length : end);
  };

  /** Starts a batch after a turn without a new request, and continues while requests wait. */
  const schedule = (waitingBefore: number, turns: number): void => {
    setImmediate(async () => {
      if (waiting.length > waitingBefore && turns < maxTurns) return schedule(waiting.length, turns + 1);
      await runBatch(takeBatch());
      isBusy = waiting.length > 0;
      if (isBusy) schedule(waiting.length, 1);
    });
  };

  return (request: Request): Promise<Answer> => {
    const rows = countRows(request);
    if (rows === 0 || rows > maxRequestRows) return run(request);
    return new Promise((resolve, reject) => {
      waiting.push({ request, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      schedule(waiting.length, 1);
    });
  };
};
