import type { Database } from "#platform/store/open-database.ts";
import {
  type Count,
  choosePercentiles,
  hourMs,
  type Metrics,
  type RequestMetrics,
  type ScoreStatistics,
  type Statistics,
  type UnreportedCall,
} from "./metrics.ts";
import { toNearestRank } from "./nearest-rank.ts";

const flushAfterMs = 200;
const flushAtEntries = 500;
const maxBatchSize = 5_000;
/** Limits memory while the disk refuses writes: above it, the oldest entries are dropped. */
const maxPending = 50_000;
/** A week, from which verify-model computes prod's rate; the data folder's limit may delete older requests sooner. */
const retentionMs = 7 * 24 * 60 * 60 * 1_000;
/** The three weeks of `hourlyCalls`, and an hour that has just begun. */
const hourlyRetentionMs = (3 * 7 * 24 + 1) * hourMs;
const pruneEveryMs = 10 * 60 * 1_000;

type Entry =
  | { readonly request: RequestMetrics }
  | { readonly unreported: UnreportedCall }
  | { readonly count: Count };

/** The service that runs functions counts the calls that they could not report. */
export type CallCounter = { unreported(call: UnreportedCall): void };

/** The same dimensions in any order are the same metric. */
const serializeDimensions = (dimensions: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Metrics in the embedded world's database. `request` and `count` buffer their entry and never throw. Entries are written
 * after 200 ms or 500 entries, before this process reads statistics, and on `close`, so a killed process loses at most
 * 200 ms. Requests older than 7 days (by `clock`, epoch milliseconds) are deleted from time to time. `onError` gets
 * the error of a failed write; the entries stay pending.
 */
export const createSqliteMetrics = (needs: {
  readonly database: Database;
  readonly clock: () => number;
  readonly onError?: (error: unknown) => void;
}): Metrics & CallCounter & { flush(): void; close(): void } => {
  const { database, clock } = needs;
  const onError = needs.onError ?? ((error) => process.emitWarning(String(error)));
  const insert = database.prepare(
    "INSERT INTO requests (environment, model, version, at, latency_ms, failed, labels, scores) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const add = database.prepare(
    `INSERT INTO totals (name, dimensions, unit, total) VALUES (?, ?, ?, ?)
     ON CONFLICT (name, dimensions) DO UPDATE SET total = total + excluded.total`,
  );
  const insertUnreported = database.prepare(
    "INSERT INTO unreported_calls (environment, model, version, at, cause) VALUES (?, ?, ?, ?, ?)",
  );
  const addHourlyCalls = database.prepare(
    `INSERT INTO hourly_calls (environment, model, hour, calls) VALUES (?, ?, ?, ?)
     ON CONFLICT (environment, model, hour) DO UPDATE SET calls = calls + excluded.calls`,
  );
  const selectHourlyCalls = database.prepare(
    "SELECT hour, calls FROM hourly_calls WHERE environment = ? AND model = ? AND hour >= ? AND hour < ?",
  );
  const pruneHourlyCalls = database.prepare("DELETE FROM hourly_calls WHERE hour < ?");
  const pruneRequests = database.prepare("DELETE FROM requests WHERE at < ?");
  const pruneUnreported = database.prepare("DELETE FROM unreported_calls WHERE at < ?");
  const inWindow = "WHERE environment = ? AND model = ? AND version = ? AND at >= ? AND at < ?";
  const window = `FROM requests ${inWindow}`;
  const selectUnreported = database.prepare(`SELECT count(*) AS calls FROM unreported_calls ${inWindow}`);
  const selectCounts = database.prepare(`SELECT count(*) AS requests, total(failed) AS failures ${window}`);
  const selectLabels = database.prepare(
    `SELECT label.key AS label, sum(label.value) AS rows
     FROM (SELECT labels ${window}) AS chosen, json_each(chosen.labels) AS label GROUP BY label.key`,
  );
  const selectLatencies = database.prepare(
    `SELECT rank, latency_ms FROM (SELECT latency_ms, row_number() OVER (ORDER BY latency_ms) AS rank ${window})
     WHERE rank IN (SELECT value FROM json_each(?))`,
  );
  const selectScoreCount = database.prepare(`SELECT total(json_array_length(scores)) AS count ${window}`);
  const selectScores = database.prepare(
    `SELECT rank, score FROM (
       SELECT score.value AS score, row_number() OVER (ORDER BY score.value) AS rank
       FROM (SELECT scores ${window} AND scores IS NOT NULL) AS chosen, json_each(chosen.scores) AS score)
     WHERE rank IN (SELECT value FROM json_each(?))`,
  );

  let pending: Entry[] = [];
  let timer: NodeJS.Timeout | undefined;
  let prunedAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  let diskFailing = false;

  /** One write for each model and hour, not for each call. */
  const storeHourlyCalls = (entries: readonly Entry[]): void => {
    const calls = new Map<string, number>();
    for (const entry of entries) {
      if ("count" in entry) continue;
      const { environment, model, at } = "request" in entry ? entry.request : entry.unreported;
      const key = JSON.stringify([environment, model, Math.floor(at / hourMs) * hourMs]);
      calls.set(key, (calls.get(key) ?? 0) + 1);
    }
    for (const [key, count] of calls) {
      const [environment, model, hour] = JSON.parse(key);
      addHourlyCalls.run(environment, model, hour, count);
    }
  };

  const store = (entry: Entry): void => {
    if ("count" in entry) {
      const { name, dimensions, unit, value } = entry.count;
      add.run(name, serializeDimensions(dimensions), unit, value);
      return;
    }
    if ("unreported" in entry) {
      const { environment, model, version, at, cause } = entry.unreported;
      insertUnreported.run(environment, model, version, Math.floor(at), cause);
      return;
    }
    const { environment, model, version, at, latencyMs, failed, labels, scores = [] } = entry.request;
    insert.run(
      environment,
      model,
      version,
      Math.floor(at),
      latencyMs,
      failed ? 1 : 0,
      JSON.stringify(Object.fromEntries(labels)),
      scores.length > 0 ? JSON.stringify(scores) : null,
    );
  };

  const prune = (now: number): void => {
    pruneRequests.run(now - retentionMs);
    pruneUnreported.run(now - retentionMs);
    pruneHourlyCalls.run(now - hourlyRetentionMs);
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const now = clock();
    // After a full disk there may be many; a single transaction would block other writers for too long.
    while (pending.length > 0) {
      const part = pending.slice(0, maxBatchSize);
      database.write(() => {
        for (const entry of part) store(entry);
        storeHourlyCalls(part);
        if (now - prunedAt >= pruneEveryMs) prune(now);
      });
      if (now - prunedAt >= pruneEveryMs) prunedAt = now;
      pending = pending.slice(part.length);
    }
    diskFailing = false;
  };

  const flushInBackground = (): void => {
    try {
      flush();
    } catch (error) {
      diskFailing = true;
      if (pending.length > maxPending) pending = pending.slice(-maxPending);
      schedule();
      onError(error);
    }
  };

  // Unref'd: the timer must not keep the process alive, and `close` flushes at its end.
  const schedule = (): void => {
    timer ??= setTimeout(flushInBackground, flushAfterMs).unref();
  };

  const addEntry = (entry: Entry): void => {
    // A function that is being stopped may still emit after the file is closed.
    if (closed) return;
    pending.push(entry);
    // While the disk refuses writes, only the timer retries.
    if (!diskFailing && pending.length % flushAtEntries === 0) flushInBackground();
    else schedule();
  };

  /** In a transaction, so that no write comes between the count and the ranks. */
  const readScores = (
    percentiles: readonly number[],
    parameters: readonly [string, string, string, number, number],
  ): ScoreStatistics | undefined => {
    const count = Number(selectScoreCount.get(...parameters)?.count ?? 0);
    if (count === 0) return undefined;
    const ranks = percentiles.map((percentile) => toNearestRank(percentile, count));
    const scores = new Map(
      selectScores
        .all(...parameters, JSON.stringify(ranks))
        .map((row) => [Number(row.rank), Number(row.score)]),
    );
    return { count, values: ranks.flatMap((rank) => scores.get(rank) ?? []) };
  };

  return {
    request: (request) => {
      // One entry that the table refuses would fail its whole batch.
      if (Number.isFinite(request.at) && Number.isFinite(request.latencyMs)) addEntry({ request });
      else
        onError(
          new RangeError(
            `request not counted, its time or latency is not a number: ${JSON.stringify(request)}`,
          ),
        );
    },
    unreported: (call) => addEntry({ unreported: call }),
    count: (count) => {
      if (Number.isFinite(count.value)) addEntry({ count });
      else onError(new RangeError(`metric not counted, its value is not a number: ${JSON.stringify(count)}`));
    },

    statistics: async (
      { environment, model, version, from, to },
      { percentiles, scorePercentiles },
    ): Promise<Statistics> => {
      flush();
      const parameters = [environment, model, version, from, to] as const;
      // One snapshot, so that a write of another process cannot come between the counts and the ranks.
      return database.read(() => {
        const counts = selectCounts.get(...parameters);
        const requests = Number(counts?.requests ?? 0);
        const ranks = choosePercentiles(percentiles, requests).map((percentile) =>
          toNearestRank(percentile, requests),
        );
        const latencies = new Map(
          selectLatencies
            .all(...parameters, JSON.stringify(ranks))
            .map((row) => [Number(row.rank), Number(row.latency_ms)]),
        );
        const labels = selectLabels
          .all(...parameters)
          .map(({ label, rows }): [string, number] => [String(label), Number(rows)]);
        return {
          requests,
          failures: Number(counts?.failures ?? 0),
          unreported: Number(selectUnreported.get(...parameters)?.calls ?? 0),
          labels: new Map(labels),
          latencyMs: ranks.map((rank) => latencies.get(rank)),
          scores: scorePercentiles && readScores(scorePercentiles, parameters),
        };
      });
    },

    hourlyCalls: async ({ environment, model, to, hours }) => {
      flush();
      const from = to - hours * hourMs;
      const calls = new Map(
        selectHourlyCalls
          .all(environment, model, from, to)
          .map((row) => [Number(row.hour), Number(row.calls)]),
      );
      return Array.from({ length: hours }, (_, index) => calls.get(from + index * hourMs) ?? 0);
    },

    flush,
    close: () => {
      closed = true;
      clearTimeout(timer);
      try {
        flush();
      } catch (error) {
        // Metrics must not fail the shutdown: these entries are lost.
        onError(error);
      }
    },
  };
};
