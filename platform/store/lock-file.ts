import { DatabaseSync } from "node:sqlite";
import { toDataFolderError } from "./data-folder-unusable.ts";

/** Gives the lock back. Whoever holds it keeps a reference to this: a lock that nobody knows of any more is given back. */
type Unlock = () => void;

const sqliteBusy = 5;
const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  "errcode" in error &&
  typeof error.errcode === "number" &&
  (error.errcode & 0xff) === sqliteBusy;

const openLockDatabase = (path: string): DatabaseSync => {
  // Somebody who only looks holds the file for a moment: waited for, and not taken for an owner.
  const database = new DatabaseSync(path, { timeout: 1_000 });
  try {
    // Nothing is ever written to it, so that a full disk is in nobody's way.
    database.exec("PRAGMA journal_mode = MEMORY");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Runs `work`; undefined where another process holds the file. */
const runUnlessBusy = <T>(path: string, work: () => T): T | undefined => {
  try {
    return work();
  } catch (error) {
    if (isBusy(error)) return undefined;
    throw toDataFolderError(path, error);
  }
};

/**
 * Takes a file for this process alone, or gives undefined where another has it. The operating system frees it with the
 * process, however that ends: no process id is written that a container could use again, and a copy of the file is free.
 * Node has no flock; SQLite's exclusive transaction is such a lock, under Linux and macOS an advisory one on bytes of the file.
 * The file is made where it is missing and stays empty. Nothing else in the process may open it: closing it would free the lock.
 * https://www.sqlite.org/lockingv3.html
 */
export const lockFile = (path: string): Unlock | undefined =>
  runUnlessBusy(path, () => {
    const database = openLockDatabase(path);
    try {
      database.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      throw error;
    }
    return () => {
      if (database.isOpen) database.close();
    };
  });

/** Whether another process holds the file; one that is not there is held by nobody. */
export const isLocked = (path: string): boolean =>
  runUnlessBusy(path, () => {
    const database = openLockDatabase(path);
    try {
      database.exec("BEGIN; SELECT count(*) FROM sqlite_schema; COMMIT");
    } finally {
      database.close();
    }
    return true;
  }) === undefined;
