import { DatabaseSync } from "node:sqlite";
import { isDatabaseBusy, toDataFolderError } from "#platform/errors/data-folder-unusable.ts";

/** Releases the lock. The owner must keep a reference: garbage collection also releases the lock. */
type Unlock = () => void;

const openLockDatabase = (path: string, timeoutMs: number): DatabaseSync => {
  const database = new DatabaseSync(path, { timeout: timeoutMs });
  try {
    // Nothing is ever written to the file, so a full disk does not matter.
    database.exec("PRAGMA journal_mode = MEMORY");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Runs `work`; undefined if another process has locked the file. */
const runUnlessBusy = <T>(path: string, work: () => T): T | undefined => {
  try {
    return work();
  } catch (error) {
    if (isDatabaseBusy(error)) return undefined;
    throw toDataFolderError(path, error);
  }
};

/**
 * Locks a file for this process; undefined if another process has locked it. The operating system releases the lock when
 * the process ends for any reason. It needs no process id, which a container could reuse, and a copy of the file is not
 * locked. Node has no flock, so this uses SQLite's exclusive transaction: on Linux and macOS an advisory lock on bytes
 * of the file. The file is created if missing and stays empty. Nothing else in this process may open it: closing it
 * would release the lock.
 * https://www.sqlite.org/lockingv3.html
 */
export const lockFile = (path: string): Unlock | undefined =>
  runUnlessBusy(path, () => {
    // `isLocked` in another process locks the file for a moment; the timeout waits for it.
    const database = openLockDatabase(path, 1_000);
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

/** Whether another process has locked the file, without waiting for it; a missing file is not locked. */
export const isLocked = (path: string): boolean =>
  runUnlessBusy(path, () => {
    const database = openLockDatabase(path, 0);
    try {
      database.exec("BEGIN; SELECT count(*) FROM sqlite_schema; COMMIT");
    } finally {
      database.close();
    }
    return true;
  }) === undefined;
