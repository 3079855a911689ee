import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { judgeCanary } from "#lambdas/judge-canary/judge-canary.ts";
import { cacheSecrets } from "#platform/secrets/cached-secrets.ts";
import { isLocked } from "#platform/store/lock-file.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { runSlipway } from "#test/end-to-end/run-slipway.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder, findRunningWorld } from "#worlds/embedded/data/data-folder-ownership.ts";
import { openDeskState } from "#worlds/embedded/desk/desk-state.ts";
import { startServeProcess } from "./serve-process.ts";

const program = fileURLToPath(new URL("lock-data-folder-process.ts", import.meta.url));
const minutes = 60_000;

let workFolder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let root = "";
beforeEach(async () => {
  workFolder = await createTemporaryFolder();
  root = join(workFolder.path, "data");
  mkdirSync(root);
});
afterEach(() => workFolder.remove());

describe("a data folder that was there before and is open to all", () => {
  test.skipIf(process.platform === "win32")(
    "holds nothing that another user can read: records, secrets, keys and logs are its owner's alone",
    async () => {
      chmodSync(root, 0o755);
      const server = await startServeProcess(root);
      try {
        const rows = JSON.parse(readFileSync("models/churn/golden.json", "utf8")).rows.slice(0, 1);
        const body = JSON.stringify({ rows });
        const headers = { "content-type": "application/json" };
        expect((await fetch(`${server.url}/v1/predict`, { method: "POST", headers, body })).status).toBe(200);
      } finally {
        await server.stop();
      }
      const open = readdirSync(root).filter((name) => (statSync(join(root, name)).mode & 0o077) !== 0);
      expect(open).toEqual([]);
      expect(readdirSync(root)).toEqual(expect.arrayContaining(["secrets.env", "state.sqlite"]));
    },
  );
});

const LockResult = z.union([
  z.object({ owns: z.literal(true), pid: z.int() }),
  z.object({ owns: z.literal(false), name: z.string(), message: z.string() }),
]);

/** A process that acquires the folder; `result`: whether it succeeded. */
const startLockProcess = (folder: string, url?: string) => {
  const child = spawn(process.execPath, [program, folder, ...(url === undefined ? [] : [url])], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const result = once(createInterface({ input: child.stdout }), "line").then(([line]) =>
    LockResult.parse(JSON.parse(String(line))),
  );
  return {
    result,
    leave: async () => {
      child.stdin.end();
      await ended;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
};

describe("a data folder has one owner", { timeout: 5 * minutes }, () => {
  test("of several processes that start at once exactly one gets it, and the others name its owner", async () => {
    const processes = Array.from({ length: 5 }, () => startLockProcess(root));
    const results = await Promise.all(processes.map(({ result }) => result));
    const winners = results.filter(({ owns }) => owns);
    expect(winners).toHaveLength(1);
    for (const result of results)
      if (!result.owns) {
        expect(result.name).toBe("AlreadyRunning");
        expect(result.message).toMatch(
          /is in use .*: stop that process, or choose another folder with --data\./,
        );
      }
    const late = startLockProcess(root);
    const [winner] = winners;
    expect(await late.result).toMatchObject({
      owns: false,
      message: expect.stringMatching(
        new RegExp(
          `slipway rehearse, process ${winner?.owns ? winner.pid : "?"}, since \\d{4}-\\d\\d-\\d\\dT`,
        ),
      ),
    });
    await Promise.all([...processes, late].map(({ leave }) => leave()));
  });

  test("SIGKILL frees it at once, also where another process has the recorded process id", async () => {
    const first = startLockProcess(root, "http://127.0.0.1:4747");
    expect(await first.result).toMatchObject({ owns: true });
    expect(findRunningWorld(resolveDataFolder(root))?.url).toBe("http://127.0.0.1:4747");
    await first.kill();
    // In a container the next process may get the id of the killed process.
    const announcement = JSON.parse(readFileSync(resolveDataFolder(root).running, "utf8"));
    writeFileSync(resolveDataFolder(root).running, JSON.stringify({ ...announcement, pid: process.pid }));
    expect(findRunningWorld(resolveDataFolder(root))).toBeUndefined();
    const second = startLockProcess(root);
    expect(await second.result).toMatchObject({ owns: true });
    await second.leave();
    expect(existsSync(resolveDataFolder(root).running)).toBe(false);
  });

  test("a copy of an owned folder is free", async () => {
    const first = startLockProcess(root);
    await first.result;
    const copy = join(workFolder.path, "copy");
    cpSync(root, copy, { recursive: true });
    const second = startLockProcess(copy);
    expect(await second.result).toMatchObject({ owns: true });
    await Promise.all([first.leave(), second.leave()]);
  });

  test("a command that only reads takes it from nobody, and blocks nobody", async () => {
    const { lock } = resolveDataFolder(root);
    expect(isLocked(lock)).toBe(false);
    const timer = setInterval(() => isLocked(lock), 1);
    try {
      const owner = startLockProcess(root);
      expect(await owner.result).toMatchObject({ owns: true });
      expect(isLocked(lock)).toBe(true);
      await owner.leave();
      expect(isLocked(lock)).toBe(false);
    } finally {
      clearInterval(timer);
    }
  });

  test("after its release the same process can acquire it again", () => {
    const folder = resolveDataFolder(root);
    const ownership = acquireDataFolder(folder, { command: "serve", now: 0 });
    expect(() => acquireDataFolder(folder, { command: "serve", now: 0 })).toThrow("slipway serve");
    ownership.release();
    ownership.release();
    acquireDataFolder(folder, { command: "serve", now: 0 }).release();
  });
});

const expectUnusable = (work: () => unknown): void => {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({
    name: "DataFolderUnusable",
    message: expect.stringMatching(/(cannot be used: |another program's database).*\. .*\.$/),
  });
};

/** Ways to damage a database. */
const damages: ReadonlyMap<string, (path: string) => void> = new Map([
  ["random bytes", (path) => writeFileSync(path, Buffer.alloc(20_000, "not a database "))],
  ["a file that is cut off in its header", (path) => truncateSync(path, 50)],
  [
    "pages of garbage",
    (path) =>
      writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 100), Buffer.alloc(40_000, 0xa5)])),
  ],
  [
    "a folder",
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
  [
    "another program's database",
    (path) => {
      rmSync(path);
      const songs = new DatabaseSync(path);
      songs.exec("CREATE TABLE songs (title TEXT)");
      songs.close();
    },
  ],
  [
    "a database that lost a table",
    (path) => {
      const database = new DatabaseSync(path);
      const [row] = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('items', 'message')")
        .all();
      database.exec(`DROP TABLE ${row?.name}`);
      database.close();
    },
  ],
]);

const makeDatabase = (path: string): void => {
  const database = openDatabase(path);
  database.prepare("INSERT INTO items (partition, sort, value, version) VALUES ('a', 'b', '1', 1)").run();
  // Moves all rows from the log into the database file.
  database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  database.close();
};
const readAll = (path: string): void => {
  const database = openDatabase(path);
  try {
    for (const table of ["items", "requests", "executions", "model_versions"])
      database.prepare(`SELECT * FROM ${table}`).all();
  } finally {
    database.close();
  }
};

describe("a damaged database", { timeout: 5 * minutes }, () => {
  test.each([...damages])(
    "%s gives a sentence with the remedy, for state.sqlite and desk.sqlite",
    (_, damage) => {
      const folder = resolveDataFolder(root);
      makeDatabase(folder.database);
      damage(folder.database);
      expectUnusable(() => readAll(folder.database));

      openDeskState(folder.desk).close();
      damage(folder.desk);
      expectUnusable(() => {
        const desk = openDeskState(folder.desk);
        try {
          desk.messages(10);
        } finally {
          desk.close();
        }
      });
    },
  );

  test("changed bytes anywhere give the rows or that sentence, never another error", () => {
    const original = join(root, "whole.sqlite");
    makeDatabase(original);
    const bytes = readFileSync(original);
    let file = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        (changes) => {
          const path = join(root, `changed-${++file}.sqlite`);
          const changed = Buffer.from(bytes);
          for (const [at, value] of changes) changed[at] = value;
          writeFileSync(path, changed);
          try {
            readAll(path);
          } catch (error) {
            expect(error).toMatchObject({ name: "DataFolderUnusable" });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a truncated write-ahead log loses only its last writes", async () => {
    const path = join(root, "state.sqlite");
    const writer = openDatabase(path);
    const store = createSqliteStore({ database: writer, clock: Date.now });
    for (let at = 0; at < 20; at++)
      await store.put({ partition: "p", sort: String(at).padStart(2, "0") }, at);
    const copy = join(root, "copy.sqlite");
    cpSync(path, copy);
    cpSync(`${path}-wal`, `${copy}-wal`);
    writer.close();
    truncateSync(`${copy}-wal`, statSync(`${copy}-wal`).size - 2_000);
    const reader = openDatabase(copy);
    const { items } = await createSqliteStore({ database: reader, clock: Date.now }).page({
      partition: "p",
      order: "ascending",
      limit: 100,
    });
    reader.close();
    expect(items.length).toBeGreaterThan(0);
    expect(items.map(({ value }) => value)).toEqual(items.map((_, at) => at));
  });

  test("a value that is no longer JSON gives that sentence", async () => {
    const path = join(root, "state.sqlite");
    const database = openDatabase(path);
    database
      .prepare("INSERT INTO items (partition, sort, value, version) VALUES ('a', 'b', '{\"x\":', 1)")
      .run();
    await expect(
      createSqliteStore({ database, clock: Date.now }).get({ partition: "a", sort: "b" }),
    ).rejects.toMatchObject({
      name: "DataFolderUnusable",
    });
    database.close();
  });

  test("a locked database gives that sentence after 5 seconds, not after minutes", () => {
    const path = join(root, "state.sqlite");
    openDatabase(path).close();
    const holder = new DatabaseSync(path);
    holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    try {
      expectUnusable(() => openDatabase(path));
    } finally {
      holder.close();
    }
  });

  const fixture = { env: { ...process.env, NO_COLOR: "1" }, outputs: [] };
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runSlipway(fixture, args, 3 * minutes);
    expect(code, stderr).toBe(3);
    if (args.includes("--json"))
      expect(JSON.parse(stdout)).toEqual({ error: expect.objectContaining({ name: "DataFolderUnusable" }) });
    else expect(stdout).toBe("");
    expect(stderr).not.toMatch(/\n\s+at /);
    return stderr;
  };
  test("every command that opens a damaged database exits with 3 and that sentence", async () => {
    writeFileSync(resolveDataFolder(root).database, Buffer.alloc(20_000, "not a database "));
    for (const args of [
      ["status"],
      ["predict", "churn"],
      ["history", "churn"],
      ["rollback", "churn"],
      ["deliver", "churn"],
      ["retire", "churn"],
      ["approvals"],
      ["approve", "id", "--as", "U024BE7LH"],
      ["keys", "list"],
      ["rehearse", "--port", "0"],
      ["serve", "models/churn", "--no-trial", "--port", "0"],
    ])
      expect(await run(...args, "--data", root), args[0]).toMatch(
        /state\.sqlite cannot be used: the file is not a database\. Restore a copy/,
      );
  });

  test("an empty database file does not count as new, and a start with a damaged desk database exits with 3", async () => {
    const folder = resolveDataFolder(root);
    writeFileSync(folder.database, "");
    writeFileSync(folder.secrets, "BLOB_KEY=a\n");
    expect(await run("status", "--data", root)).toMatch(
      /state\.sqlite cannot be used: it is empty, so the database/,
    );
    rmSync(folder.database);
    writeFileSync(folder.desk, Buffer.alloc(20_000, "not a database "));
    expect(await run("rehearse", "--json", "--port", "0", "--data", root)).toMatch(
      /desk\.sqlite cannot be used/,
    );
  });
});

describe("a clock that is set back by hours", () => {
  const hour = 3_600_000;
  const start = 15 * hour;
  const openStore = () => {
    let now = start;
    const database = openDatabase(join(root, "state.sqlite"));
    return {
      store: createSqliteStore({ database, clock: () => now }),
      set: (at: number) => {
        now = at;
      },
      now: () => now,
      database,
    };
  };

  test("lets later pushes supersede earlier ones, and never the reverse", async () => {
    const { store, database } = openStore();
    const take = (delivery: string, requestedAt: number, now: number) =>
      createClaims({ store }).take(
        { environment: "stage", model: "churn", delivery, requestedAt, now },
        "newer",
      );
    await take("before", start, start + 1_000);
    const back = start - 3 * hour;
    expect(await take("after", back, back + 1_000)).toMatchObject({ status: "granted", fence: 2 });
    expect(await take("later", back + 2_000, back + 3_000)).toMatchObject({ status: "granted", fence: 3 });
    // With a correct clock an earlier push that arrives late is refused, also after the clock was set back.
    await expect(take("late", back + 1_000, back + 4_000)).rejects.toMatchObject({ name: "Superseded" });
    await take("again", start, start + 1_000);
    await expect(take("earlier", start - 1_000, back)).rejects.toMatchObject({ name: "Superseded" });
    database.close();
  });

  test("limits no key for longer than its rate window", async () => {
    const { store, set, database } = openStore();
    let now = start;
    const limiter = createRateLimiter({ store, clock: () => now, warn: () => undefined });
    const rate = { perMinute: 60, burst: 2 };
    for (let request = 0; request < 3; request++) await limiter("key", rate);
    expect(await limiter("key", rate)).toMatchObject({ admitted: false });
    now = start - 3 * hour;
    set(now);
    expect(await limiter("key", rate)).toMatchObject({ admitted: true });
    database.close();
  });

  test("keeps a canary's traffic: the window is that of the last bake", async () => {
    const world = createMemoryWorld();
    await promoteVersion(world, "a", 1);
    const champion = await world.ledger.serving("prod", toyModel);
    if (!champion) throw new Error("prod serves");
    const since = world.time.now;
    const { sequence: previous } = champion;
    const deployed = { ...champion, delivery: "delivery-b", functionVersion: "2", previous };
    const entry = await world.ledger.begin(deployed, since);
    await world.ledger.change(entry, (current) => ({
      ...current,
      status: "canary",
      shares: [{ percent: 10, from: since }],
    }));
    world.time.now = since - 3 * hour;
    for (let request = 0; request < 2_000; request++)
      for (const version of ["1", "2"])
        world.metrics.request({
          ...{
            environment: "prod",
            model: toyModel,
            version,
            at: world.time.now,
            latencyMs: 5,
            failed: false,
          },
          labels: new Map([["yes", 1]]),
        });
    world.time.now += 60_000;
    const input = {
      delivery: "delivery-b",
      model: toyModel,
      commit: world.commit("b"),
      championVersion: "1",
    };
    expect(await judgeCanary(world)({ ...input, functionVersion: "2", step: 0, since })).toMatchObject({
      verdict: "pass",
    });
  });

  test("caches a rotated secret no longer than five minutes", async () => {
    let now = start;
    let value = "old";
    const cached = cacheSecrets({ read: async () => value }, () => now);
    expect(await cached.read("x")).toBe("old");
    value = "new";
    now -= 3 * hour;
    expect(await cached.read("x")).toBe("new");
  });
});
