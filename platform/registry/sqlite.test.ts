import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { type Database, openDatabase, type PreparedStatement } from "#platform/store/open-database.ts";
import { readArtifact, registryContract } from "#test/contracts/registry.ts";
import { openBytes } from "#test/support/memory-blobs.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createSqliteRegistry } from "./sqlite.ts";

const createBlobs = (folder: string): Blobs => createFileBlobs({ folder: join(folder, "blobs") });

/** The registry's dependencies with one failing call; a transaction counts as one call. */
const withFailingCall = (database: Database, blobs: Blobs, count: number, when: "before" | "after") => {
  let calls = 0;
  let nested = false;
  const runCall = <T>(work: () => T): T => {
    if (nested) return work();
    calls += 1;
    if (calls === count && when === "before") throw new Error("broken off");
    const result = work();
    if (calls === count) throw new Error("broken off");
    return result;
  };
  const statement = (preparedStatement: PreparedStatement): PreparedStatement => ({
    get: (...values) => runCall(() => preparedStatement.get(...values)),
    all: (...values) => runCall(() => preparedStatement.all(...values)),
    run: (...values) => runCall(() => preparedStatement.run(...values)),
  });
  const failingDatabase: Database = {
    ...database,
    prepare: (sql) => statement(database.prepare(sql)),
    write: (work) =>
      runCall(() => {
        nested = true;
        try {
          return database.write(work);
        } finally {
          nested = false;
        }
      }),
  };
  const runAsyncCall = async <T>(work: () => Promise<T>): Promise<T> => {
    calls += 1;
    const fails = calls === count;
    if (fails && when === "before") throw new Error("broken off");
    const result = await work();
    if (fails) throw new Error("broken off");
    return result;
  };
  const failingBlobs: Blobs = {
    put: (...args) => runAsyncCall(() => blobs.put(...args)),
    get: (...args) => runAsyncCall(() => blobs.get(...args)),
    open: (...args) => runAsyncCall(() => blobs.open(...args)),
  };
  return { database: failingDatabase, blobs: failingBlobs };
};

registryContract("SQLite", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const blobs = createBlobs(folder.path);
  return {
    registry: createSqliteRegistry({ database, blobs, clock: Date.now }),
    failing: (count, when) =>
      createSqliteRegistry({ ...withFailingCall(database, blobs, count, when), clock: Date.now }),
    close: async () => {
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
const registration = {
  model: "churn",
  delivery: "delivery-1",
  artifact: new Uint8Array([1, 2, 3]),
  manifest: "name: churn\n",
  tags: {},
  metrics: { auc: 0.84 },
};

test("a repeated registration restores a deleted artefact", async () => {
  const registry = createSqliteRegistry({ database, blobs: createBlobs(folder.path), clock: Date.now });
  await registry.register(registration);
  await rm(join(folder.path, "blobs"), { recursive: true });
  expect(await registry.artifact("churn", 1)).toBeUndefined();
  await registry.register(registration);
  expect(await readArtifact(registry, "churn", 1)).toEqual(Buffer.from(registration.artifact));
});

test("an artefact that does not read back as written creates no version", async () => {
  const blobs = { ...createBlobs(folder.path), open: async () => openBytes(new Uint8Array([1, 2])) };
  const registry = createSqliteRegistry({ database, blobs, clock: Date.now });
  await expect(registry.register(registration)).rejects.toThrow(/did not read back/);
  expect(await registry.versions("churn", { limit: 5 })).toEqual([]);
});

test("the version stores the training metrics", async () => {
  await createSqliteRegistry({ database, blobs: createBlobs(folder.path), clock: Date.now }).register(
    registration,
  );
  const row = database.prepare("SELECT metrics FROM model_versions WHERE model = 'churn'").get();
  expect(JSON.parse(String(row?.metrics))).toEqual({ auc: 0.84 });
});
