import type { Database } from "#platform/store/open-database.ts";
import type { Count, Metrics, RequestMetrics, Statistics } from "./metrics.ts";

const flushAfterMs = 200;
const flushAtEntries = 500;
const maxBatchSize = 5_000;
/** What is kept while the disk refuses writes; beyond it the oldest are given up, so that memory stays bounded. */
const maxPending = 50_000;
const retentionMs = 24 * 60 * 60 * 1_000;
const pruneEveryMs = 10 * 60 * 1_000;

type Entry = { readonly request: RequestMetrics } | { readonly count: Count };

/** The same dimensions in any order are the same metric. */
const serializeDimensions = (dimensions: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Nearest rank: the smallest value that at least `percentile` percent of all values do not exceed. */
const toNearestRank = (percentile: number, count: number): number =>
  Math.min(count, Math.max(1, Math.ceil((percentile / 100) * count)));

/**
 * Metrics in the embedded world's database. `request` and `count` only note down and never throw: entries
 * reach the file 200 ms or 500 entries later, before this process reads statistics, and on `close`. A
 * process that is killed loses at most those 200 ms. Requests older than 24 hours (by `clock`, epoch
 * milliseconds) are deleted now and then. `onFault` hears of a write that failed; the entries are tried again.
 */
export const createSqliteMetrics = (needs: {
  readonly database: Database;
  readonly clock: () => number;
  readonly onFault?: (fault: unknown) => void;
}): Metrics & { flush(): void; close(): void } => {
  const { database, clock } = needs;
  const onFault = needs.onFault ?? ((fault) => process.emitWarning(String(fault)));
  const insert = database.prepare(
    "INSERT INTO requests (environment, model, version, at, latency_ms, failed, labels) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const add = database.prepare(
    `INSERT INTO totals (name, dimensions, unit, total) VALUES (?, ?, ?, ?)
     ON CONFLICT (name, dimensions) DO UPDATE SET total = total + excluded.total`,
  );
  const prune = database.prepare("DELETE FROM requests WHERE at < ?");
  const window = "FROM requests WHERE environment = ? AND model = ? AND version = ? AND at >= ? AND at < ?";
  const selectCounts = database.prepare(`SELECT count(*) AS requests, total(failed) AS failures ${window}`);
  const selectLabels = database.prepare(
    `SELECT label.key AS label, sum(label.value) AS rows
     FROM (SELECT labels ${window}) AS chosen, json_each(chosen.labels) AS label GROUP BY label.key`,
  );
  const selectLatencies = database.prepare(
    `SELECT rank, latency_ms FROM (SELECT latency_ms, row_number() OVER (ORDER BY latency_ms) AS rank ${window})
     WHERE rank IN (SELECT value FROM json_each(?))`,
  );
  const selectTotal = database.prepare("SELECT total FROM totals WHERE name = ? AND dimensions = ?");

  let waiting: Entry[] = [];
  let timer: NodeJS.Timeout | undefined;
  let prunedAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  let refusing = false;

  const store = (entry: Entry): void => {
    if ("count" in entry) {
      const { name, dimensions, unit, value } = entry.count;
      add.run(name, serializeDimensions(dimensions), unit, value);
      return;
    }
    const { environment, model, version, at, latencyMs, failed, labels } = entry.request;
    insert.run(
      environment,
      model,
      version,
      Math.floor(at),
      latencyMs,
      failed ? 1 : 0,
      JSON.stringify(Object.fromEntries(labels)),
    );
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const now = clock();
    // After a disk was full there are many: in one transaction they would hold everyone.
    while (waiting.length > 0) {
      const part = waiting.slice(0, maxBatchSize);
      database.write(() => {
        for (const entry of part) store(entry);
        if (now - prunedAt >= pruneEveryMs) prune.run(now - retentionMs);
      });
      if (now - prunedAt >= pruneEveryMs) prunedAt = now;
      waiting = waiting.slice(part.length);
    }
    refusing = false;
  };

  const flushInBackground = (): void => {
    try {
      flush();
    } catch (fault) {
      refusing = true;
      if (waiting.length > maxPending) waiting = waiting.slice(-maxPending);
      schedule();
      onFault(fault);
    }
  };

  // Unref'd: notes still waiting must not keep a process alive that closes its metrics at its end anyway.
  const schedule = (): void => {
    timer ??= setTimeout(flushInBackground, flushAfterMs).unref();
  };

  const note = (entry: Entry): void => {
    // The last words of a function that is being stopped come after the file was closed.
    if (closed) return;
    waiting.push(entry);
    // While the disk refuses, the timer alone tries again.
    if (!refusing && waiting.length % flushAtEntries === 0) flushInBackground();
    else schedule();
  };

  return {
    request: (request) => {
      // One entry that the table refuses would hold back all that wait with it.
      if (Number.isFinite(request.at) && Number.isFinite(request.latencyMs)) note({ request });
      else onFault(new RangeError(`Not counted, its time is no number: ${JSON.stringify(request)}`));
    },
    count: (count) => {
      if (Number.isFinite(count.value)) note({ count });
      else onFault(new RangeError(`Not counted, its value is no number: ${JSON.stringify(count)}`));
    },

    statistics: async ({ environment, model, version, from, to }, { percentiles }): Promise<Statistics> => {
      flush();
      const where = [environment, model, version, from, to] as const;
      // One state, so that a flush of another process cannot come between the counts and the ranks; none waits for it.
      return database.read(() => {
        const counts = selectCounts.get(...where);
        const requests = Number(counts?.requests ?? 0);
        const ranks = percentiles.map((percentile) => toNearestRank(percentile, requests));
        const latencies = new Map(
          selectLatencies
            .all(...where, JSON.stringify(ranks))
            .map((row) => [Number(row.rank), Number(row.latency_ms)]),
        );
        const labels = selectLabels
          .all(...where)
          .map(({ label, rows }): [string, number] => [String(label), Number(rows)]);
        return {
          requests,
          failures: Number(counts?.failures ?? 0),
          labels: new Map(labels),
          latencyMs: ranks.map((at) => latencies.get(at)),
        };
      });
    },

    total: async (name, dimensions) => {
      flush();
      return Number(selectTotal.get(name, serializeDimensions(dimensions))?.total ?? 0);
    },

    flush,
    close: () => {
      closed = true;
      clearTimeout(timer);
      try {
        flush();
      } catch (fault) {
        // Lost with the process: what ends must not fail for the sake of what it counted.
        onFault(fault);
      }
    },
  };
};
