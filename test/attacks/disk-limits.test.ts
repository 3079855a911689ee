import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { appendInParallel } from "#inference/records/append-in-parallel.ts";
import { createRecorder } from "#inference/records/recorder.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { createFixture, repositoryRoot, slipwayPath } from "#test/end-to-end/fixture.ts";
import { startRehearsalProcess } from "#test/end-to-end/rehearsal-process.ts";
import { runSlipway } from "#test/end-to-end/run-slipway.ts";
import { approverId } from "#test/end-to-end/slack-driver.ts";
import { countEventLoopTurns } from "#test/support/count-event-loop-turns.ts";
import { readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { createDataLimiter } from "#worlds/embedded/data/data-limiter.ts";
import { measureDataSize } from "#worlds/embedded/data/measure-data-size.ts";
import { openLog } from "#worlds/embedded/data/open-log.ts";
import { trimBatchSize } from "#worlds/embedded/data/trim-traffic.ts";

const minutes = 60_000;
let workFolder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  workFolder = await createTemporaryFolder();
});
afterEach(() => workFolder.remove());

/** A separate disk of this size; undefined where this user may not mount one. */
const mountDisk = (megabytes: number) => {
  const path = join(workFolder.path, "disk");
  mkdirSync(path);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "none", path]);
  if (status !== 0) {
    if (process.env.CI === "true")
      throw new Error("A disk cannot be mounted, and CI=true does not allow skipping.");
    console.warn("SKIPPED: the full disk, because this user may not mount a file system here.");
    return undefined;
  }
  const filling = join(path, "filling");
  return {
    path,
    /** Writes until the disk is full. */
    fill: () => {
      const file = openSync(filling, "a");
      try {
        for (let block = Buffer.alloc(1_024 ** 2); ; )
          try {
            writeSync(file, block);
          } catch {
            if (block.length === 1) return;
            block = block.subarray(0, Math.floor(block.length / 2));
          }
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filling),
    unmount: () => spawnSync("umount", ["-l", path]),
  };
};

const rows = readChurnGolden().rows.slice(0, 1);
const sendPredict = async (url: string) => {
  const response = await fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows }),
  });
  await response.text();
  return { status: response.status, warning: response.headers.get("x-storage-warning") };
};

/** The id of the record of a new request; undefined if its response has a warning. */
const sendRecorded = async (url: string): Promise<string | undefined> => {
  const response = await fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows }),
  });
  expect(response.status).toBe(200);
  const { id } = z.object({ id: z.string() }).parse(await response.json());
  return response.headers.has("x-storage-warning") ? undefined : `${id}.0`;
};

const readStatuses = async (url: string, ids: readonly string[]): Promise<readonly number[]> => {
  const statuses: number[] = [];
  for (const id of ids) {
    const response = await fetch(`${url}/v1/predictions/${id}`);
    await response.text();
    statuses.push(response.status);
  }
  return statuses;
};

/** `slipway serve` on a data folder below `path`. */
const serve = (path: string, stdout: number | "pipe"): ChildProcess =>
  spawn(
    process.execPath,
    [
      slipwayPath,
      "serve",
      "models/churn",
      "--no-trial",
      "--emf",
      "--port",
      "0",
      "--data",
      join(path, "data"),
    ],
    { cwd: repositoryRoot, stdio: ["ignore", stdout, "pipe"] },
  );

describe("a full disk", { timeout: 10 * minutes }, () => {
  let disk: ReturnType<typeof mountDisk>;
  let child: ChildProcess | undefined;
  afterEach(async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "close");
    }
    disk?.unmount();
  });

  test("loses no response of slipway serve and no record that it confirmed, also with its output on that disk; with space again, it records again", async (context) => {
    disk = mountDisk(24);
    if (!disk) return context.skip();
    const output = join(disk.path, "output");
    const stdout = openSync(output, "a");
    child = serve(disk.path, stdout);
    closeSync(stdout);
    let url: string | undefined;
    await expect
      .poll(() => (url = readFileSync(output, "utf8").match(/http:\/\/127\.0\.0\.1:\d+/)?.[0]), {
        timeout: 2 * minutes,
      })
      .toBeDefined();
    const baseUrl = url ?? "";
    expect(await sendPredict(baseUrl)).toEqual({ status: 200, warning: null });
    disk.fill();
    // The journal and SQLite still write into free space of their files: predict until that is full.
    const full = [];
    const recorded: string[] = [];
    for (let request = 0; request < 3_000 && full.length < 50; request++) {
      const id = await sendRecorded(baseUrl);
      if (id === undefined) full.push(request);
      else recorded.push(id);
    }
    expect(full).toHaveLength(50);
    expect((await fetch(`${baseUrl}/health`)).status).toBe(200);
    // A response without a warning keeps its promise on the full disk and after it.
    expect(await readStatuses(baseUrl, recorded)).toEqual(recorded.map(() => 200));
    disk.free();
    expect(await readStatuses(baseUrl, recorded)).toEqual(recorded.map(() => 200));
    await expect.poll(async () => (await sendPredict(baseUrl)).warning, { timeout: minutes }).toBeNull();
    expect(child.exitCode).toBeNull();
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(130);
  });

  test("loses no response of prod in a rehearsal and does not end the rehearsal; with space again, it records again", async (context) => {
    disk = mountDisk(400);
    if (!disk) return context.skip();
    const fixture = await createFixture();
    const data = join(disk.path, "data");
    try {
      await using rehearsal = startRehearsalProcess(
        { ...fixture, data },
        { args: ["--port", "0", "--traffic", "20", "--bake", "300ms"] },
      );
      const { delivery } = await rehearsal.waitFor("question");
      const approvals = await runSlipway(fixture, ["approvals", "--json", "--data", data]);
      const [approval] = z.array(z.object({ id: z.string() })).parse(JSON.parse(approvals.stdout));
      const args = ["approve", approval?.id ?? "", "--as", approverId, "--yes", "--data", data];
      expect((await runSlipway(fixture, args)).code).toBe(0);
      await rehearsal.waitFor("outcome", (event) => event.delivery === delivery);
      const { url } = await rehearsal.waitFor("serving", ({ environment }) => environment === "prod");
      expect(await sendPredict(url)).toEqual({ status: 200, warning: null });
      disk.fill();
      const full = [];
      for (let request = 0; request < 5_000 && full.length < 20; request++) {
        const response = await sendPredict(url).catch((error: unknown) => {
          throw new Error(`prod does not respond:\n${rehearsal.describe()}`, { cause: error });
        });
        expect(response.status, rehearsal.describe()).toBe(200);
        if (response.warning !== null) full.push(response.warning);
      }
      expect(full).toEqual(Array(20).fill("write_failed"));
      disk.free();
      await expect.poll(async () => (await sendPredict(url)).warning, { timeout: 2 * minutes }).toBeNull();
      rehearsal.interrupt();
      expect(await rehearsal.ended(), rehearsal.describe()).toEqual({ code: 130, signal: null });
    } finally {
      await fixture.remove();
    }
  });

  test("a closed output pipe does not end the process", async () => {
    child = serve(workFolder.path, "pipe");
    const { stdout, stderr } = child;
    if (!stdout || !stderr) throw new Error("the process has no pipes");
    const [line] = await once(createInterface({ input: stdout }), "line");
    const url = String(line).match(/http:\/\/127\.0\.0\.1:\d+/)?.[0] ?? "";
    stdout.destroy();
    stderr.destroy();
    for (let request = 0; request < 20; request++) expect((await sendPredict(url)).status).toBe(200);
    expect(child.exitCode).toBeNull();
  });

  test("loses log entries and counts them; metrics wait, and closing them does not throw", async (context) => {
    disk = mountDisk(8);
    if (!disk) return context.skip();
    const path = join(disk.path, "rehearsal.log");
    const log = openLog({ path, clock: () => 0 });
    const database = openDatabase(join(disk.path, "state.sqlite"));
    const errors: unknown[] = [];
    const metrics = createSqliteMetrics({
      database,
      clock: () => 1_000,
      onError: (error) => errors.push(error),
    });
    log("before");
    disk.fill();
    for (let entry = 0; entry < 5; entry++) log("x".repeat(10_000));
    const request = {
      environment: "prod",
      model: "churn",
      version: "1",
      at: 1_000,
      latencyMs: 1,
      failed: false,
    } as const;
    for (let count = 0; count < 40_000; count++)
      metrics.request({ ...request, labels: new Map([["stay", 1]]) });
    expect(errors[0]).toMatchObject({
      name: "DataFolderUnusable",
      message: expect.stringContaining("the disk is full"),
    });
    metrics.close();
    disk.free();
    log("after");
    const text = readFileSync(path, "utf8");
    expect(text).toMatch(/before\n/);
    expect(text).toMatch(
      /\n1970-01-01T00:00:00\.000Z \d entries are missing: they could not be written\n1970-\S+ after\n$/,
    );
    database.close();
  });

  test("at the start gives a sentence and exit code 3", async (context) => {
    disk = mountDisk(1);
    if (!disk) return context.skip();
    disk.fill();
    for (const args of [
      ["serve", "models/churn", "--no-trial"],
      ["rehearse", "--approve"],
    ]) {
      const { status, stderr } = spawnSync(
        process.execPath,
        [slipwayPath, ...args, "--port", "0", "--data", join(disk.path, "data")],
        { cwd: repositoryRoot, encoding: "utf8", timeout: 3 * minutes, killSignal: "SIGKILL" },
      );
      expect({ args, status }, stderr).toEqual({ args, status: 3 });
      expect(stderr).toMatch(/the disk is full\. Free some space and start again/);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });
});

test("a log at its limit becomes the previous log, so that both are limited", () => {
  const path = join(workFolder.path, "rehearsal.log");
  const log = openLog({ path, clock: () => 0, limitBytes: 10_000 });
  for (let entry = 0; entry < 500; entry++) log(`entry ${entry}`);
  expect(statSync(path).size).toBeLessThanOrEqual(10_000);
  expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(10_000);
  expect(readFileSync(path, "utf8")).toMatch(/entry 499\n$/);
});

describe("a data folder over its limit", () => {
  const hour = 3_600_000;
  const start = Date.UTC(2026, 10, 28);
  const open = () => {
    const folder = resolveDataFolder(join(workFolder.path, "data"));
    mkdirSync(folder.root);
    const database = openDatabase(folder.database);
    let now = start;
    let written = 0;
    const clock = () => now;
    const store = createSqliteStore({ database, clock });
    const blobs = createFileBlobs({
      folder: folder.blobs,
      onWrite: (bytes) => {
        written += bytes;
      },
    });
    const blobsWritten = () => written;
    const logged: string[] = [];
    const log = (sentence: string) => void logged.push(sentence);
    return {
      ...{ folder, database, store, blobs, blobsWritten, logged, clock },
      pass: (ms: number) => {
        now += ms;
      },
      count: (where: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${where}`).get()?.n),
      recorder: createRecorder({
        ...{ store, blobs, manifest: readChurnManifest(), log },
        append: appendInParallel(store),
      }),
      metrics: createSqliteMetrics({ database, clock }),
      keep: (limitBytes: number) =>
        createDataLimiter({ folder, database, blobsWritten, limitBytes, clock, log }),
    };
  };
  /** Traffic of two models in turn, a minute apart; every tenth request has so many rows that they go to a blob. */
  const traffic = async (
    { recorder: records, metrics, database }: ReturnType<typeof open>,
    requests: number,
  ) => {
    for (let request = 0; request < requests; request++) {
      const model = request % 2 === 0 ? "churn" : "other";
      const at = start - (requests - request) * 60_000;
      const many = request % 10 === 0 ? 150 : 1;
      const prediction = { label: "stay", scores: { stay: 0.75, churn: 0.25 } };
      await records.record({
        ...{
          // As slipway serve's ids and as others: small requests are in the index itself, or have their own item.
          id:
            request % 4 === 0
              ? createUuidV7(at, `00000000-0000-4000-8000-${String(request).padStart(12, "0")}`)
              : `id-${request}`,
          at,
          model,
          modelVersion: 1,
          digest: "sha256:a",
          environment: "prod",
          latencyMs: 1,
        },
        rows: Array.from({ length: many }, () => ({ text: `${request} `.repeat(60) })),
        predictions: Array.from({ length: many }, () => prediction),
      });
      metrics.request({
        ...{ environment: "prod", model, version: "1", at, latencyMs: 1, failed: false },
        labels: new Map([["stay", 1]]),
      });
    }
    metrics.flush();
    database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
  };
  const pages = ({ database }: ReturnType<typeof open>) =>
    Number(database.prepare("PRAGMA page_count").get()?.page_count) * 4_096;

  test("deletes the oldest traffic, frees the space, and touches nothing else", async () => {
    const data = open();
    for (const partition of ["ledger#prod#churn", "approvals", "claims", "api-keys#prod", "prediction-like"])
      await data.store.put({ partition, sort: "1" }, { kept: true });
    data.database
      .prepare(
        "INSERT INTO executions (name, number, status, input, started_at) VALUES ('d', 1, 'RUNNING', '{}', 0)",
      )
      .run();
    await traffic(data, 1_000);
    const before = pages(data);
    const limit = Math.round(before / 2);
    const deleted = await data.keep(limit).look();
    expect(deleted).toBeGreaterThan(0);
    expect(pages(data)).toBeLessThan(limit);
    expect(statSync(data.folder.database).size).toBeLessThan(before * 0.7);

    const index = data.database
      .prepare(
        "SELECT sort FROM items WHERE partition IN ('predictions#prod#churn', 'predictions#prod#other') ORDER BY sort",
      )
      .all()
      .map(({ sort }) => String(sort));
    expect(index.length).toBeGreaterThan(0);
    expect(index.length).toBeLessThan(1_000);
    // The newest records remain, without a gap: each deleted record is older.
    const requests = index.map((sort) => Number(sort.match(/\d+$/)?.[0]));
    expect(requests).toEqual(Array.from({ length: index.length }, (_, at) => 1_000 - index.length + at));
    // Small requests with an id of their arrival have no item besides the index.
    expect(data.count("items WHERE partition LIKE 'prediction#%'")).toBe(
      requests.filter((request) => request % 4 !== 0 || request % 10 === 0).length,
    );
    const oldest = Number(index[0]?.slice(0, 15));
    expect(Number(data.database.prepare("SELECT min(at) AS at FROM requests").get()?.at)).toBeGreaterThan(
      oldest - 2 * trimBatchSize * 60_000,
    );
    expect(
      data.count(
        `items WHERE partition LIKE 'prediction-counts#%' AND sort < '${new Date(oldest - hour).toISOString().slice(0, 13)}'`,
      ),
    ).toBe(0);
    const blobs = spawnSync("find", [data.folder.blobs, "-name", "*@blob"], { encoding: "utf8" })
      .stdout.trim()
      .split("\n");
    expect(blobs).toHaveLength(requests.filter((request) => request % 10 === 0).length);

    expect(
      data.count(
        "items WHERE partition IN ('ledger#prod#churn', 'approvals', 'claims', 'api-keys#prod', 'prediction-like')",
      ),
    ).toBe(5);
    expect(data.count("executions")).toBe(1);
    data.metrics.close();
    data.database.close();
  });

  test("deletes in small batches: a transaction has at most four statements for each request of a batch", async () => {
    const data = open();
    await traffic(data, 400);
    let most = 0;
    let now = 0;
    const spy = {
      ...data.database,
      prepare: (sql: string) => {
        const statement = data.database.prepare(sql);
        const run = <T>(work: () => T): T => {
          now += 1;
          return work();
        };
        return {
          get: (...values: Parameters<typeof statement.get>) => run(() => statement.get(...values)),
          all: (...values: Parameters<typeof statement.all>) => run(() => statement.all(...values)),
          run: (...values: Parameters<typeof statement.run>) => run(() => statement.run(...values)),
        };
      },
      write: <T>(work: () => T): T => {
        now = 0;
        const result = data.database.write(work);
        most = Math.max(most, now);
        return result;
      },
    };
    await createDataLimiter({ ...data, database: spy, limitBytes: 200_000, log: () => undefined }).look();
    expect(most).toBeGreaterThan(trimBatchSize);
    expect(most).toBeLessThanOrEqual(4 * trimBatchSize);
    data.metrics.close();
    data.database.close();
  });

  test("blobs are listed once an hour and counted in between, however many there are", async () => {
    const data = open();
    await data.store.put({ partition: "ledger#prod#churn", sort: "1" }, { kept: true });
    await traffic(data, 100);
    const limit = 3_000_000;
    const limiter = data.keep(limit);
    const requests = () => data.count("items WHERE partition LIKE 'predictions#%'");
    expect(await limiter.look()).toBe(0);
    // A file that was not counted: only a walk of the folder finds that it is over its limit.
    const uncounted = join(data.folder.blobs, "stranger@blob");
    writeFileSync(uncounted, Buffer.alloc(limit));
    expect(await limiter.look()).toBe(0);
    data.pass(hour);
    // 100 records and 100 metrics.
    expect(await limiter.look()).toBe(200);
    expect(requests()).toBe(0);
    rmSync(uncounted);
    data.pass(hour);
    await limiter.look();

    await traffic(data, 100);
    expect(await limiter.look()).toBe(0);
    // Writes of this process count at once.
    await data.blobs.put("reports/large", Buffer.alloc(limit), { contentType: "text/plain" });
    expect(await limiter.look()).toBe(200);
    data.metrics.close();
    data.database.close();
  });

  test("listing many files lets the event loop turn between them", async () => {
    const folder = join(workFolder.path, "many");
    mkdirSync(folder);
    for (let file = 0; file < 1_000; file++) writeFileSync(join(folder, `${file}`), "x");
    const { turns, value } = await countEventLoopTurns(() => measureDataSize(folder));
    expect(value).toBe(1_000);
    expect(turns).toBeGreaterThan(500);
  });

  test("only traffic is deleted, and a limit that cannot be kept is logged once", async () => {
    const data = open();
    await data.store.put({ partition: "ledger#prod#churn", sort: "1" }, { kept: "x".repeat(200_000) });
    await traffic(data, 50);
    const limiter = data.keep(100_000);
    await limiter.look();
    await limiter.look();
    expect(data.count("items WHERE partition LIKE 'predictions#%'")).toBe(0);
    expect(data.count("requests")).toBe(0);
    expect(await data.store.get({ partition: "ledger#prod#churn", sort: "1" })).toBeDefined();
    expect(data.logged.filter((line) => line.includes("raise --data-limit"))).toHaveLength(1);
    data.metrics.close();
    data.database.close();
  });
});
