import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createBackgroundCheckpoints } from "./background-checkpoints.ts";
import { type Database, openDatabase } from "./open-database.ts";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let database: Database;
const path = () => join(folder.path, "state.db");
beforeEach(async () => {
  folder = await createTemporaryFolder();
  database = openDatabase(path());
  // The log begins without the pages of the tables.
  database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
});
afterEach(async () => {
  database.close();
  await folder.remove();
});

const unexpected = (sentence: string, error?: unknown) => expect.fail(`${sentence} ${error}`);
const measureLog = () => {
  const row = database.prepare("PRAGMA wal_checkpoint(NOOP)").get();
  return { log: Number(row?.log), checkpointed: Number(row?.checkpointed) };
};
let written = 0;
/** Writes a commit of some 30 pages. */
const writePages = () =>
  database.write(() => {
    const insert = database.prepare(
      "INSERT INTO items (partition, sort, value, version) VALUES (?, ?, ?, 1)",
    );
    for (let item = 0; item < 25; item += 1) insert.run("items", `${written++}`, "x".repeat(4_000));
  });
const countItems = () => database.prepare("SELECT count(*) AS count FROM items").get()?.count;

test("a thread moves a large log into the database's file, and the next commit begins the log again", async () => {
  const checkpoints = createBackgroundCheckpoints({ database, log: unexpected, pages: 50 });
  writePages();
  checkpoints.startIfLarge();
  expect(checkpoints.running()).toBeUndefined();
  writePages();
  writePages();
  checkpoints.startIfLarge();
  await checkpoints.running();
  const { log, checkpointed } = measureLog();
  expect(log).toBeGreaterThan(50);
  expect(checkpointed).toBe(log);
  const before = countItems();
  writePages();
  expect(measureLog().log).toBeLessThan(50);
  expect(countItems()).toBe(Number(before) + 25);
});

test("a checkpoint for freed space is made of a small log too", async () => {
  const checkpoints = createBackgroundCheckpoints({ database, log: unexpected });
  writePages();
  checkpoints.start();
  await checkpoints.running();
  const { log, checkpointed } = measureLog();
  expect(log).toBeGreaterThan(0);
  expect(checkpointed).toBe(log);
});

test("commits go on while the thread works, and lose nothing", async () => {
  const checkpoints = createBackgroundCheckpoints({ database, log: unexpected, pages: 50 });
  const first = written;
  for (let commit = 0; commit < 40; commit += 1) {
    writePages();
    checkpoints.startIfLarge();
    // A turn of the event loop, in which the thread's messages arrive.
    await new Promise(setImmediate);
  }
  await checkpoints.close();
  database.close();
  database = openDatabase(path());
  expect(countItems()).toBe(written - first);
});

test("what another process still reads delays a checkpoint, and no thread follows the other", async () => {
  const reader = openDatabase(path());
  writePages();
  reader.prepare("BEGIN").run();
  reader.prepare("SELECT count(*) FROM items").get();
  const checkpoints = createBackgroundCheckpoints({ database, log: unexpected, pages: 50 });
  writePages();
  writePages();
  checkpoints.startIfLarge();
  await checkpoints.running();
  const { log, checkpointed } = measureLog();
  expect(checkpointed).toBeLessThan(log);
  writePages();
  checkpoints.startIfLarge();
  expect(checkpoints.running()).toBeUndefined();
  reader.close();
});

test("a checkpoint that fails is reported once with its remedy, and disturbs nobody", async () => {
  const sentences: string[] = [];
  const checkpoints = createBackgroundCheckpoints({
    database: { ...database, path: join(folder.path, "missing", "state.db") },
    log: (sentence, error) =>
      sentences.push(`${sentence}: ${error instanceof Error ? error.message : error}`),
    pages: 20,
  });
  writePages();
  checkpoints.startIfLarge();
  await checkpoints.running();
  writePages();
  checkpoints.startIfLarge();
  await checkpoints.close();
  expect(sentences).toEqual([expect.stringMatching(/checkpoint of .* failed, and is tried again: .*--data/)]);
});
