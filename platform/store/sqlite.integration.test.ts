import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { storeContract } from "#test/contracts/store.ts";
import { countStatements } from "#test/support/count-statements.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { openDatabase } from "./open-database.ts";
import { createSqliteStore } from "./sqlite.ts";

storeContract("SQLite", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  let offset = 0;
  const now = () => Date.now() + offset;
  return {
    store: createSqliteStore({ database, clock: now }),
    now,
    advance: (milliseconds) => {
      offset += milliseconds;
    },
    close: async () => {
      database.close();
      await folder.remove();
    },
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

/** Runs a script in several processes at once, each with the path of the same database. */
const runInProcesses = async (count: number, script: string): Promise<readonly string[]> => {
  const source = `
    import { openDatabase } from ${JSON.stringify(import.meta.resolve("./open-database.ts"))};
    import { createSqliteStore } from ${JSON.stringify(import.meta.resolve("./sqlite.ts"))};
    const path = ${JSON.stringify(join(folder.path, "new", "state.db"))};
    // All begin at the same time, or the first would end before the last starts.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, ${Date.now() + 400} - Date.now()));
    ${script}`;
  const run = promisify(execFile);
  const args = ["--no-warnings", "--input-type=module", "--eval", source];
  return Promise.all(
    Array.from({ length: count }, async () => (await run(process.execPath, args)).stdout.trim()),
  );
};

test("of processes that race for 300 items exactly one wins each, even while they create the file", async () => {
  const wins = await runInProcesses(
    3,
    `const store = createSqliteStore({ database: openDatabase(path), clock: Date.now });
     const won = [];
     for (let item = 0; item < 300; item += 1) {
       const key = { partition: "race", sort: String(item) };
       if ((await store.put(key, process.pid, { expect: "absent" })).written) won.push(item);
     }
     console.log(JSON.stringify(won));`,
  );
  const items = wins.flatMap((line): number[] => JSON.parse(line)).sort((a, b) => a - b);
  expect(items).toEqual(Array.from({ length: 300 }, (_, item) => item));
});

test("concurrent conditional writes of one counter lose no increment", async () => {
  await runInProcesses(
    3,
    `const store = createSqliteStore({ database: openDatabase(path), clock: Date.now });
     const key = { partition: "race", sort: "counter" };
     for (let steps = 0; steps < 100; ) {
       const found = await store.get(key);
       const expect = found?.version ?? "absent";
       if ((await store.put(key, (found?.value ?? 0) + 1, { expect })).written) steps += 1;
     }`,
  );
  const database = openDatabase(join(folder.path, "new", "state.db"));
  const found = await createSqliteStore({ database, clock: Date.now }).get({
    partition: "race",
    sort: "counter",
  });
  database.close();
  expect(found).toMatchObject({ value: 300, version: 300 });
});

test("concurrent transactions that read and then write lose no increment", async () => {
  await runInProcesses(
    3,
    `const database = openDatabase(path);
     database.prepare("CREATE TABLE IF NOT EXISTS counter (value INTEGER)").run();
     const read = database.prepare("SELECT coalesce(max(value), 0) AS value FROM counter");
     const write = database.prepare("INSERT INTO counter VALUES (?)");
     for (let step = 0; step < 200; step += 1) database.write(() => write.run(read.get().value + 1));`,
  );
  const database = openDatabase(join(folder.path, "new", "state.db"));
  const row = database.prepare("SELECT max(value) AS value FROM counter").get();
  database.close();
  expect(row?.value).toBe(600);
});

test("a confirmed write survives the kill of its process", async () => {
  const key = `{ partition: "kill", sort: "item" }`;
  const killed = runInProcesses(
    1,
    `const store = createSqliteStore({ database: openDatabase(path), clock: Date.now });
     await store.put(${key}, "kept");
     process.kill(process.pid, "SIGKILL");`,
  );
  await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
  const database = openDatabase(join(folder.path, "new", "state.db"));
  const found = await createSqliteStore({ database, clock: Date.now }).get({
    partition: "kill",
    sort: "item",
  });
  database.close();
  expect(found?.value).toBe("kept");
});

test("a get runs one prepared statement and takes no lock", async () => {
  const opened = openDatabase(join(folder.path, "state.db"));
  const { database, counts } = countStatements(opened);
  const store = createSqliteStore({ database, clock: Date.now });
  const key = { partition: "cost", sort: "item" };
  await store.put(key, { fence: 1, delivery: "d" });
  const { prepared, statements, commits } = counts();
  for (let read = 0; read < 100; read += 1) await store.get(key);
  expect(counts()).toEqual({ prepared, statements: statements + 100, commits });
  opened.close();
});

test("a file in the place of the folder is reported with the remedy", async () => {
  await writeFile(join(folder.path, "taken"), "");
  expect(() => openDatabase(join(folder.path, "taken", "state.db"))).toThrow(
    expect.objectContaining({
      name: "DataFolderUnusable",
      message: expect.stringMatching(/taken.*a file is in the place of a folder/),
    }),
  );
});

test("a file that is not a database is reported with the remedy", async () => {
  await writeFile(join(folder.path, "state.db"), "this is no database, however long it may be".repeat(50));
  expect(() => openDatabase(join(folder.path, "state.db"))).toThrow(
    expect.objectContaining({ name: "DataFolderUnusable", message: expect.stringMatching(/--fresh/) }),
  );
});

test("a database of a newer version is refused", async () => {
  const path = join(folder.path, "state.db");
  const database = openDatabase(path);
  database.prepare("PRAGMA user_version = 999").run();
  database.close();
  expect(() => openDatabase(path)).toThrow(
    expect.objectContaining({ name: "DataFolderUnusable", message: expect.stringMatching(/newer Slipway/) }),
  );
});

test("a write to a full disk is DataFolderUnusable, and earlier writes stay", async () => {
  const path = join(folder.path, "state.db");
  const database = openDatabase(path);
  const store = createSqliteStore({ database, clock: Date.now });
  const key = { partition: "full", sort: "item" };
  await store.put(key, "kept");
  // SQLite returns the same code (SQLITE_FULL) for a file that must not grow and for a full disk.
  database.prepare("PRAGMA max_page_count = 1").get();
  await expect(store.put({ ...key, sort: "large" }, "x".repeat(300_000))).rejects.toMatchObject({
    name: "DataFolderUnusable",
    message: expect.stringMatching(/the disk is full/),
  });
  expect((await store.get(key))?.value).toBe("kept");
  database.close();
});

test.skipIf(process.getuid?.() === 0)("a folder that is not writable is reported", async () => {
  const locked = join(folder.path, "locked");
  await mkdir(locked);
  await chmod(locked, 0o500);
  expect(() => openDatabase(join(locked, "state.db"))).toThrow(
    expect.objectContaining({ name: "DataFolderUnusable" }),
  );
});
