// npm run bench:parts: what single parts of the embedded world take, in interleaved rounds: processor time of metrics,
// store, records and texts, wall time of checks and of blocked turns. Tests count what these parts do (statements,
// commits); this measures their time. Exits with 1 when the check of a hostile folder takes more than 10 s, or when a
// body just below the offload size blocks the event loop for more than 5 ms.

import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createRecorder } from "#inference/records/recorder.ts";
import { sampleScores } from "#inference/records/sample-scores.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { assertModel } from "#model-check/check-model.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { type Database, openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { openWriteJournal } from "#platform/store/write-journal.ts";
import { hostileFiles, replaceChurnFile } from "#test/support/hostile-files.ts";
import { readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { renderMrkdwn } from "#worlds/embedded/desk/mrkdwn.ts";
import { prepareBlockingMeasurements } from "./event-loop-blocking.ts";
import { computeSpread, type Spread } from "./serve/spread.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, only: { type: "string", default: "" } },
});
/** With `--only records` the parts whose names begin with it. */
const isMeasured = ([what]: readonly [string, ...unknown[]]): boolean => what.startsWith(values.only);
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error("--rounds takes a whole number, 1 or more.");
  process.exit(2);
}

const folder = await createTemporaryFolder();
const database = openDatabase(join(folder.path, "state.db"));
const metrics = createSqliteMetrics({ database, clock: () => 1_000 });
const store = createSqliteStore({ database, clock: Date.now });
const key = { partition: "cost", sort: "item" };
await store.put(key, { fence: 1, delivery: "d" });
const request = {
  environment: "prod",
  model: "churn",
  version: "1",
  at: 1_000,
  latencyMs: 4,
  failed: false,
  labels: new Map([
    ["stay", 3],
    ["churn", 1],
  ]),
  scores: [0.12, 0.31, 0.08, 0.64],
} as const;

const readScores = sampleScores(readChurnManifest());
const predictRows = (rows: number) =>
  Array.from({ length: rows }, (_, row) => {
    const churn = ((row * 37) % 1_000) / 1_000 + 0.000_123_456;
    return { label: "stay", scores: { stay: 1 - churn, churn } };
  });
/** What a function does for its metrics, without its labels' counts. */
const formatLines = (rows: number, withScores: boolean) => {
  const predictions = predictRows(rows);
  return async () => {
    for (let count = 0; count < 10_000; count += 1)
      formatEmf({ ...request, scores: withScores ? readScores(predictions) : undefined });
  };
};

const recordedRow = readChurnGolden().rows[0] ?? {};
const recordsDatabases: Database[] = [];
/**
 * Records 10,000 requests of one row, `concurrency` at once, into a database of its own: each batch by a commit, as a
 * rehearsal does, or through a journal, as `slipway serve` does.
 */
const recordRequests = (concurrency: number, way: "commits" | "journal") => {
  const name = `records-${concurrency}-${way}`;
  const database = openDatabase(join(folder.path, `${name}.db`));
  recordsDatabases.push(database);
  const journal = openWriteJournal({
    path: join(folder.path, `${name}.journal`),
    database,
    clock: Date.now,
    log: (sentence) => console.error(sentence),
  });
  const recorder = createRecorder({
    store: createSqliteStore({ database, clock: Date.now }),
    append: way === "journal" ? journal.append : undefined,
    blobs: { put: async () => undefined },
    manifest: readChurnManifest(),
    log: (line) => console.error(line),
  });
  const record = async () => {
    const at = Date.now();
    const id = createUuidV7(at, crypto.randomUUID());
    const origin = { id, at, model: "churn", modelVersion: 3, digest: `sha256:${"a".repeat(64)}` };
    return recorder.record({
      ...origin,
      environment: "prod",
      latencyMs: 1.234,
      rows: [recordedRow],
      predictions: [{ label: "churn", scores: { stay: 0.276_576_6, churn: 0.723_423_4 }, band: "high" }],
    });
  };
  return async () => {
    for (let request = 0; request < 10_000; request += concurrency) {
      const results = await Promise.all(Array.from({ length: concurrency }, record));
      if (results.includes("failed")) throw new Error("a request was not recorded");
      // The journal moves its batches between two turns of the event loop.
      await setImmediate();
    }
    journal.flush();
  };
};

const allParts: readonly (readonly [string, () => Promise<unknown>])[] = [
  [
    "metrics: 10,000 requests into the file",
    async () => {
      for (let count = 0; count < 10_000; count += 1) metrics.request(request);
      metrics.flush();
    },
  ],
  ["metrics: 10,000 lines of one row, without scores", formatLines(1, false)],
  ["metrics: 10,000 lines of one row, with its score", formatLines(1, true)],
  ["metrics: 10,000 lines of 10,000 rows, with scores", formatLines(10_000, true)],
  [
    "store: 10,000 gets",
    async () => {
      for (let read = 0; read < 10_000; read += 1) await store.get(key);
    },
  ],
  ...[1, 10, 100].flatMap((concurrency) =>
    (["commits", "journal"] as const).map(
      (way) =>
        [
          `records: 10,000 requests of one row, ${concurrency} at once, by ${way === "journal" ? "the journal" : "commits"}`,
          recordRequests(concurrency, way),
        ] as const,
    ),
  ),
  [
    "desk: 18,000 characters of markers",
    async () => String(await renderMrkdwn("*_~<`:".repeat(3_000), new Map())),
  ],
  [
    "desk: 10,000 markers that never close",
    async () => String(await renderMrkdwn("*a ".repeat(10_000), new Map())),
  ],
];

const parts = allParts.filter(isMeasured);

/** At most three rounds of each: one check takes seconds and reads up to 60 MB. */
const allChecks = hostileFiles.map(([what, file, content]) => {
  const candidate = replaceChurnFile(file, content());
  return [
    `check: ${what} in ${file}`,
    async () => {
      const refused = await assertModel(candidate).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!(refused instanceof Error && refused.name === "ManifestInvalid"))
        throw new Error(`${what} in ${file} was not refused with ManifestInvalid`, { cause: refused });
    },
  ] as const;
});
const checks = allChecks.filter(isMeasured);
const checkLimitMs = 10_000;
const { measurements, close: closeMeasurements } = await prepareBlockingMeasurements(folder.path);
const blockingMeasurements = measurements.filter(isMeasured);
const blockLimitMs = 5;
/** Requests with one body in a round; the first ones compile the code that they run. */
const requestsPerBody = 20;

const partTimes = parts.map((): number[] => []);
for (let round = -1; round < rounds; round += 1)
  for (const [index, [, work]] of parts.entries()) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round >= 0) partTimes[index]?.push((user + system) / 1_000);
  }
const checkTimes = checks.map((): number[] => []);
for (let round = 0; round < Math.min(3, rounds); round += 1)
  for (const [index, [what, work]] of checks.entries()) {
    process.stderr.write(`${what}, round ${round + 1} …\n`);
    const began = performance.now();
    await work();
    checkTimes[index]?.push(performance.now() - began);
  }
const blockTimes = blockingMeasurements.map((): number[] => []);
for (let round = -1; round < rounds; round += 1)
  for (const [index, [, measureBlock]] of blockingMeasurements.entries())
    for (let count = 0; count < requestsPerBody; count += 1) {
      const ms = await measureBlock();
      if (round >= 0) blockTimes[index]?.push(ms);
    }
await closeMeasurements();
metrics.close();
for (const opened of [database, ...recordsDatabases]) opened.close();
await folder.remove();

const ms = (value: number) => value.toFixed(1).padStart(9);
console.log(
  `${"part".padEnd(64)}${["median", "min", "max"].map((name) => name.padStart(9)).join("")}   ms, ${rounds} rounds`,
);
const times = [...partTimes, ...checkTimes, ...blockTimes];
for (const [index, [what]] of [...parts, ...checks, ...blockingMeasurements].entries()) {
  const { median, min, max }: Spread = computeSpread(times[index] ?? []) ?? { median: 0, min: 0, max: 0 };
  console.log(`${what.padEnd(64)}${ms(median)}${ms(min)}${ms(max)}`);
}
const slowChecks = checkTimes.flat().filter((time) => time > checkLimitMs).length;
if (slowChecks > 0) {
  console.error(`${slowChecks} checks of a hostile folder took longer than ${checkLimitMs / 1_000} s.`);
  process.exitCode = 1;
}
const longBlocks = blockingMeasurements.filter(
  (_, index) => (computeSpread(blockTimes[index] ?? [])?.median ?? 0) > blockLimitMs,
);
if (longBlocks.length > 0) {
  console.error(
    `${longBlocks.map(([what]) => what).join("; ")}: longer than ${blockLimitMs} ms in the median.`,
  );
  process.exitCode = 1;
}
