import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import { createDatabaseDamagedError, DataFolderUnusable, toDataFolderError } from "./data-folder-unusable.ts";
import { databaseMigrations } from "./database-migrations.ts";

export type DatabaseRow = Readonly<Record<string, SQLOutputValue>>;

/** A prepared statement whose faults of disk and rights are DataFolderUnusable. */
export type PreparedStatement = {
  get(...values: SQLInputValue[]): DatabaseRow | undefined;
  all(...values: SQLInputValue[]): DatabaseRow[];
  /** How many rows were changed. */
  run(...values: SQLInputValue[]): number;
};

export type Database = {
  readonly path: string;
  prepare(sql: string): PreparedStatement;
  /**
   * Runs `work`, which must be synchronous, in one transaction that holds the file's write lock from its
   * start: nobody writes between what it reads and what it writes. A throw undoes all of it. Must not be nested.
   */
  write<T>(work: () => T): T;
  /** Runs `work`, which only reads and must be synchronous, on one state of the file. Nobody who writes waits for it. */
  read<T>(work: () => T): T;
  close(): void;
};

const busyTimeoutMs = 5_000;

/** SQLITE_BUSY comes without the busy handler having been asked when two processes turn on WAL at once. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  "errcode" in error &&
  typeof error.errcode === "number" &&
  (error.errcode & 0xff) === 5;

const retryWhileBusy = (work: () => void): void => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // A time and no count of tries: each of them may itself wait as long as the busy handler does.
  const end = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() >= end) throw error;
      Atomics.wait(pause, 0, 0, 20);
    }
  }
};

const readSchemaVersion = (database: DatabaseSync): number =>
  Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);

const runInTransaction = <T>(database: DatabaseSync, kind: "DEFERRED" | "IMMEDIATE", work: () => T): T => {
  database.exec(`BEGIN ${kind}`);
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // After a full disk SQLite has rolled back already, and a second ROLLBACK would hide the reason.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
};

const readTableNames = (database: DatabaseSync): readonly string[] =>
  database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
    .map(({ name }) => String(name));

/** The tables that the steps make: what a file of theirs cannot be without. */
const parseTableNames = (steps: readonly string[]): readonly string[] =>
  steps.flatMap((step) =>
    [...step.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g)].map(([, name]) => name ?? ""),
  );

/** Throws DataFolderUnusable for a file that another program made, or that lost a table. */
const checkTables = (database: DatabaseSync, path: string, steps: readonly string[]): void => {
  const there = new Set(readTableNames(database));
  const version = readSchemaVersion(database);
  if (version === 0 && there.size > 0 && !parseTableNames(steps).some((name) => there.has(name)))
    throw new DataFolderUnusable(
      `${path} is another program's database. Move it away, or choose another folder with --data.`,
    );
  const lost = parseTableNames(steps.slice(0, version)).filter((name) => !there.has(name));
  if (lost.length > 0) throw createDatabaseDamagedError(path, `it has no table ${lost.join(", ")}`);
};

const migrate = (database: DatabaseSync, path: string, steps: readonly string[]): void => {
  checkTables(database, path, steps);
  if (readSchemaVersion(database) === steps.length) return;
  runInTransaction(database, "IMMEDIATE", () => {
    // Read again under the lock: another process may have brought the file up to date meanwhile.
    const version = readSchemaVersion(database);
    if (version > steps.length) {
      throw new DataFolderUnusable(
        `${path} was written by a newer Slipway (schema ${version}, this one knows ${steps.length}). Update Slipway, or start over with --fresh.`,
      );
    }
    for (const step of steps.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
};

const connect = (path: string, steps: readonly string[]): DatabaseSync => {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  try {
    // WAL with synchronous=NORMAL: every committed transaction survives the death of the process (SIGKILL
    // included), because its pages are with the operating system. Only a power cut may take the last
    // transactions, and even that leaves the file whole.
    // What is written again and again goes from the log (32 MB at most) to the file once in 8,000 pages, not in 1,000:
    // a recorded request takes a third less time.
    retryWhileBusy(() =>
      database.exec(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 67108864",
      ),
    );
    retryWhileBusy(() => migrate(database, path, steps));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/**
 * Opens the embedded world's database, creating folder, file and tables where they are missing. Several
 * processes may have it open at once; a write waits up to 5 seconds for another process's.
 * Throws DataFolderUnusable with the remedy.
 * @param steps the tables, as steps of which each is run once in the file's life
 */
export const openDatabase = (path: string, steps: readonly string[] = databaseMigrations): Database => {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toDataFolderError(path, error);
    }
  };
  const database = guarded(() => connect(path, steps));
  return {
    path,
    prepare: (sql) => {
      const statement = guarded(() => database.prepare(sql));
      return {
        get: (...values) => guarded(() => statement.get(...values)),
        all: (...values) => guarded(() => statement.all(...values)),
        run: (...values) => guarded(() => Number(statement.run(...values).changes)),
      };
    },
    write: (work) => guarded(() => runInTransaction(database, "IMMEDIATE", work)),
    read: (work) => guarded(() => runInTransaction(database, "DEFERRED", work)),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
};
