// npm run bench:rows: the processor time of a predict request of 1, 100 and 10,000 rows within the service, without HTTP:
// rows as objects and in columns, with and without records, the model's run alone and JSON.parse alone, in interleaved rounds. Records are
// kept as by `slipway serve`: in a journal, a database and files. Ten requests come at once, of 10,000 rows one. Options: --model <folder> (models/churn), --rounds <n> (9), --rows <n>.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createApp } from "#inference/app.ts";
import type { App } from "#inference/http/app.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { createRecords } from "#inference/records/create-records.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { createService } from "#inference/service.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { createJournaledStore } from "#platform/store/journaled-store.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { openWriteJournal } from "#platform/store/write-journal.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { readRequestBodies } from "./serve/request-bodies.ts";
import { computeSpread } from "./serve/spread.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: fileURLToPath(new URL("../models/churn/", import.meta.url)) },
    rounds: { type: "string", default: "9" },
    rows: { type: "string" },
  },
});
const folder = resolve(options.model);
const rounds = Math.max(1, Math.round(Number(options.rounds)) || 9);
const sizes = options.rows === undefined ? [1, 100, 10_000] : [Number(options.rows)];

const manifest = readManifest(await readFile(join(folder, "model.yaml"), "utf8"));
const path = join(folder, getArtifactFile(manifest));
const model = await loadModel({ manifest, model: { path } });
const { columns, ...objectModel } = model;
if (!columns) console.error("This model has no path through columns: both series read objects.");
const temporary = await createTemporaryFolder();
const database = openDatabase(join(temporary.path, "state.db"));
const journal = openWriteJournal({
  path: join(temporary.path, "records.journal"),
  database,
  clock: Date.now,
  log: (sentence) => console.error(sentence),
});

const createBenchApp = (served: LoadedModel, keepsRecords: boolean): App => {
  const identity = {
    model: manifest.name,
    environment: "prod",
    version: 1,
    digest: `sha256:${"a".repeat(64)}`,
    functionVersion: "1",
  } as const;
  const log = (line: string) => console.error(line);
  return createApp(
    createService({
      model: served,
      identity,
      now: Date.now,
      tick: () => performance.now(),
      newId: (at = Date.now()) => createUuidV7(at, randomUUID()),
      report: () => undefined,
      log,
      records: createRecords({ identity, manifest, hashKey: undefined, clock: Date.now, log })(
        keepsRecords
          ? {
              store: createJournaledStore({
                store: createSqliteStore({ database, clock: Date.now }),
                journal,
              }),
              append: journal.append,
              blobs: createFileBlobs({ folder: join(temporary.path, "blobs") }),
            }
          : undefined,
      ),
    }),
  );
};

/** Measures several requests at once. */
const postAll = (app: App, body: Uint8Array, count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, () => post(app, body)));

const post = async (app: App, body: Uint8Array): Promise<void> => {
  const response = await app.handle({
    method: "POST",
    path: "/v1/predict",
    query: "",
    header: (name) => (name === "content-type" ? "application/json" : undefined),
    body: async () => body,
  });
  if (response.status !== 200) throw new Error(String(response.body));
};

const bodies = await readRequestBodies(folder);
const objects = { recorded: createBenchApp(objectModel, true), only: createBenchApp(objectModel, false) };
const inColumns = { recorded: createBenchApp(model, true), only: createBenchApp(model, false) };
/** Processor time per call in microseconds, of all threads. */
const measure = async (work: () => unknown, times: number): Promise<number> => {
  const before = process.cpuUsage();
  for (let count = 0; count < times; count++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
};

console.log("processor µs a request           median       min       max");
for (const rows of sizes) {
  const text = bodies.of(rows);
  const body = Buffer.from(text);
  const scanned = columns?.scan(body, { text: false });
  const atOnce = rows > 100 ? 1 : 10;
  const series: readonly (readonly [string, () => unknown, number?])[] = [
    ["objects, with records", () => postAll(objects.recorded, body, atOnce), atOnce],
    ["columns, with records", () => postAll(inColumns.recorded, body, atOnce), atOnce],
    ["objects, without records", () => postAll(objects.only, body, atOnce), atOnce],
    ["columns, without records", () => postAll(inColumns.only, body, atOnce), atOnce],
    ["scan alone", () => columns?.scan(body, { text: false })],
    ["the model's run alone", () => scanned && columns?.predict(scanned)],
    ["JSON.parse alone", () => JSON.parse(text)],
  ];
  const times = Math.ceil(2_000 / (rows + 1)) + 3;
  const measured = series.map((): number[] => []);
  for (let round = -1; round < rounds; round++)
    for (const [index, [, work, requests = 1]] of series.entries()) {
      const micros = (await measure(work, times)) / requests;
      // The first round warms up.
      if (round >= 0) measured[index]?.push(micros);
    }
  const medians = measured.map((list) => computeSpread(list)?.median ?? Number.NaN);
  for (const [index, [what]] of series.entries()) {
    const { median, min, max } = computeSpread(measured[index] ?? []) ?? { median: 0, min: 0, max: 0 };
    const figures = [median, min, max].map((figure) => figure.toFixed(1).padStart(10)).join("");
    console.log(`${`${rows} rows: ${what}`.padEnd(34)}${figures}`);
  }
  const [, recorded = 0, , answered = 0, , run = 0, parse = 1] = medians;
  const compare = (micros: number) => ((micros - run) / parse).toFixed(2);
  console.log(
    `${rows} rows in columns, less the model's run: ${compare(recorded)} times JSON.parse alone, without records ${compare(answered)}`,
  );
}
journal.close();
database.close();
await model.release();
await temporary.remove();
