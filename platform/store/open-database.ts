import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import {
  createDatabaseDamagedError,
  DataFolderUnusable,
  isDatabaseBusy,
  toDataFolderError,
} from "#platform/errors/data-folder-unusable.ts";
import { databaseMigrations } from "./database-migrations.ts";

export type DatabaseRow = Readonly<Record<string, SQLOutputValue>>;

/** A prepared statement; errors of disk and permissions are DataFolderUnusable. */
export type PreparedStatement = {
  get(...values: SQLInputValue[]): DatabaseRow | undefined;
  all(...values: SQLInputValue[]): DatabaseRow[];
  /** Returns the number of changed rows. */
  run(...values: SQLInputValue[]): number;
};

export type Database = {
  readonly path: string;
  prepare(sql: string): PreparedStatement;
  /**
   * Runs `work`, which must be synchronous, in one transaction with the write lock from its start: no other write comes
   * between its reads and its writes. An error rolls everything back. Do not nest.
   */
  write<T>(work: () => T): T;
  /** Runs `work`, which must be synchronous and only read, on one snapshot of the file. It blocks no writer. */
  read<T>(work: () => T): T;
  close(): void;
};

const busyTimeoutMs = 5_000;
/**
 * The size of SQLite's log from which on a checkpoint is made: 32 MB. With 8,000 pages instead of SQLite's 1,000, frequently
 * changed pages are written less often: recording a request takes a third less time.
 */
export const pagesBeforeCheckpoint = 8_000;

/** When two processes turn on WAL at once, SQLite returns SQLITE_BUSY without calling the busy handler. */
const retryWhileBusy = (work: () => void): void => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // A deadline instead of a number of attempts: each attempt may wait for the busy handler.
  const end = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if (!isDatabaseBusy(error) || performance.now() >= end) throw error;
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
    // After a full disk SQLite has already rolled back, and a second ROLLBACK would hide the cause.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
};

const readTableNames = (database: DatabaseSync): readonly string[] =>
  database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
    .map(({ name }) => String(name));

/** The tables that the steps create, which every migrated file must have. */
const parseTableNames = (steps: readonly string[]): readonly string[] =>
  steps.flatMap((step) =>
    [...step.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g)].map(([, name]) => name ?? ""),
  );

/** Throws DataFolderUnusable for another program's file and for a missing table. */
const checkTables = (database: DatabaseSync, path: string, steps: readonly string[]): void => {
  // From one snapshot: another process may migrate the file between two reads.
  const [tables, version] = runInTransaction(database, "DEFERRED", () => [
    new Set(readTableNames(database)),
    readSchemaVersion(database),
  ]);
  if (version === 0 && tables.size > 0 && !parseTableNames(steps).some((name) => tables.has(name)))
    throw new DataFolderUnusable(
      `${path} is another program's database. Move it, or choose another folder with --data.`,
    );
  const missing = parseTableNames(steps.slice(0, version)).filter((name) => !tables.has(name));
  if (missing.length > 0) throw createDatabaseDamagedError(path, `it has no table ${missing.join(", ")}`);
};

const migrate = (database: DatabaseSync, path: string, steps: readonly string[]): void => {
  checkTables(database, path, steps);
  if (readSchemaVersion(database) === steps.length) return;
  runInTransaction(database, "IMMEDIATE", () => {
    // Read again under the lock: another process may have migrated the file in the meantime.
    const version = readSchemaVersion(database);
    if (version > steps.length) {
      throw new DataFolderUnusable(
        `${path} was written by a newer Slipway (schema ${version}, this version supports ${steps.length}). Update Slipway, or start over with --fresh.`,
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
    // WAL with synchronous=NORMAL: committed transactions survive the end of the process, even SIGKILL, because the
    // operating system has their pages. Only a power cut can lose the last transactions, and it cannot damage the file.
    retryWhileBusy(() =>
      database.exec(
        `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${pagesBeforeCheckpoint}; PRAGMA journal_size_limit = 67108864`,
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
 * Opens the embedded world's database; creates folder, file and tables if they are missing. Several processes may open
 * it at once; a write waits up to 5 seconds for one of another process.
 * Throws DataFolderUnusable with the remedy.
 * @param steps migrations, each of which runs once per file
 */
export const openDatabase = (path: string, steps: readonly string[] = databaseMigrations): Database => {
  const convertErrors = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toDataFolderError(path, error);
    }
  };
  const database = convertErrors(() => connect(path, steps));
  return {
    path,
    prepare: (sql) => {
      const statement = convertErrors(() => database.prepare(sql));
      return {
        get: (...values) => convertErrors(() => statement.get(...values)),
        all: (...values) => convertErrors(() => statement.all(...values)),
        run: (...values) => convertErrors(() => Number(statement.run(...values).changes)),
      };
    },
    write: (work) => convertErrors(() => runInTransaction(database, "IMMEDIATE", work)),
    read: (work) => convertErrors(() => runInTransaction(database, "DEFERRED", work)),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
};
