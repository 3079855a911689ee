import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { databaseMigrations } from "#platform/store/database-migrations.ts";
import { type Database, openDatabase } from "#platform/store/open-database.ts";
import { metricsContract } from "#test/contracts/metrics.ts";
import { countStatements } from "#test/support/count-statements.ts";
import { readMetricTotal } from "#test/support/read-metric-total.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createSqliteMetrics } from "./sqlite.ts";

metricsContract("SQLite", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const metrics = createSqliteMetrics({ database, clock: Date.now });
  return {
    metrics,
    breakCall: metrics.unreported,
    total: async (name, dimensions) => {
      metrics.flush();
      return readMetricTotal(database, name, dimensions);
    },
    minute: Math.floor(Date.now() / 60_000 - 2) * 60_000,
    close: async () => {
      metrics.close();
      database.close();
      await folder.remove();
    },
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let database: Database;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  database = openDatabase(join(folder.path, "state.db"));
});
afterEach(async () => {
  database.close();
  await folder.remove();
});
const hour = 60 * 60 * 1_000;
const version1 = { environment: "prod", model: "churn", version: "1" } as const;
const request = {
  ...version1,
  at: 1_000,
  latencyMs: 4,
  failed: false,
  labels: new Map([
    ["stay", 3],
    ["churn", 1],
  ]),
};
const allTime = { ...version1, from: 0, to: Number.MAX_SAFE_INTEGER };
const countStoredRequests = (): unknown =>
  database.prepare("SELECT count(*) AS requests FROM requests").get()?.requests;

test("10,000 requests take 20 commits and prepare no statement", async () => {
  const counted = countStatements(database);
  const metrics = createSqliteMetrics({ database: counted.database, clock: () => 1_000 });
  const { prepared } = counted.counts();
  for (let count = 0; count < 10_000; count += 1) metrics.request(request);
  metrics.flush();
  expect(countStoredRequests()).toBe(10_000);
  // One insert each, one sum of the hour in each commit, and three deletions of what is older.
  expect(counted.counts()).toEqual({ prepared, statements: 10_023, commits: 20 });
});

test("requests that the release before wrote are still read, and have no scores", async () => {
  const path = join(folder.path, "older.db");
  const older = openDatabase(path, databaseMigrations.slice(0, 5));
  older
    .prepare(
      "INSERT INTO requests (environment, model, version, at, latency_ms, failed, labels) VALUES ('prod', 'churn', '1', 1, 4, 0, '{\"stay\":1}')",
    )
    .run();
  older.close();
  const migrated = openDatabase(path);
  const metrics = createSqliteMetrics({ database: migrated, clock: () => 1_000 });
  const read = async () => {
    const { requests, scores } = await metrics.statistics(allTime, {
      percentiles: [],
      scorePercentiles: [50],
    });
    return { requests, scores };
  };
  expect(await read()).toEqual({ requests: 1, scores: undefined });
  metrics.request({ ...request, scores: [0.5] });
  expect(await read()).toEqual({ requests: 2, scores: { count: 1, values: [0.5] } });
  metrics.close();
  migrated.close();
});

test("a single request is written without a flush", async () => {
  const metrics = createSqliteMetrics({ database, clock: () => 1_000 });
  metrics.request(request);
  expect(countStoredRequests()).toBe(0);
  await expect.poll(countStoredRequests, { timeout: 120_000 }).toBe(1);
});

test("close writes the pending entries, and the next process reads them", async () => {
  const metrics = createSqliteMetrics({ database, clock: () => 1_000 });
  metrics.request(request);
  metrics.count({ name: "outcome", value: 1, unit: "Count", dimensions: {} });
  metrics.close();
  const next = createSqliteMetrics({ database, clock: () => 1_000 });
  expect((await next.statistics(allTime, { percentiles: [] })).labels).toEqual(
    new Map([
      ["churn", 1],
      ["stay", 3],
    ]),
  );
  expect(readMetricTotal(database, "outcome", {})).toBe(1);
});

test("requests older than 7 days are deleted, younger ones never", async () => {
  let now = 1_000;
  const metrics = createSqliteMetrics({ database, clock: () => now });
  metrics.request({ ...request, at: now });
  metrics.request({ ...request, at: now + hour });
  metrics.flush();
  now += 7 * 24 * hour + 1;
  metrics.request({ ...request, at: now });
  metrics.flush();
  expect(countStoredRequests()).toBe(2);
});

test("a failing disk fails no request: the error is reported and the entries are kept", async () => {
  const errors: unknown[] = [];
  const metrics = createSqliteMetrics({
    database,
    clock: () => 1_000,
    onError: (error) => errors.push(error),
  });
  database.prepare("PRAGMA query_only = ON").run();
  for (let count = 0; count < 600; count += 1) metrics.request(request);
  expect(errors).toEqual([expect.objectContaining({ name: "DataFolderUnusable" })]);
  await expect(metrics.statistics(allTime, { percentiles: [] })).rejects.toMatchObject({
    name: "DataFolderUnusable",
  });
  database.prepare("PRAGMA query_only = OFF").run();
  expect((await metrics.statistics(allTime, { percentiles: [] })).requests).toBe(600);
});

test("statistics read a consistent snapshot and block no writer", async () => {
  const metrics = createSqliteMetrics({ database, clock: () => 1_500 });
  metrics.request(request);
  metrics.flush();
  const other = openDatabase(join(folder.path, "state.db"));
  const during: unknown[] = [];
  const watched: Database = {
    ...database,
    read: (work) =>
      database.read(() => {
        const result = work();
        // Another connection writes during the read.
        during.push(other.write(() => other.prepare("DELETE FROM requests").run()));
        return result;
      }),
  };
  const reader = createSqliteMetrics({ database: watched, clock: () => 1_500 });
  const window = { ...version1, from: 0, to: 2_000 };
  expect(await reader.statistics(window, { percentiles: [] })).toMatchObject({ requests: 1 });
  expect(during).toEqual([1]);
  metrics.close();
  other.close();
});

test("a request with a latency of NaN is reported and blocks no other", async () => {
  const errors: unknown[] = [];
  const metrics = createSqliteMetrics({
    database,
    clock: () => 1_000,
    onError: (error) => errors.push(error),
  });
  metrics.request({ ...request, latencyMs: Number.NaN });
  metrics.request(request);
  expect((await metrics.statistics(allTime, { percentiles: [] })).requests).toBe(1);
  expect(errors).toEqual([expect.any(RangeError)]);
});
