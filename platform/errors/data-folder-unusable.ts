import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** The embedded world's data folder cannot be used; the message says why and what to do. */
export class DataFolderUnusable extends SlipwayError {
  override readonly name = "DataFolderUnusable";
  override readonly retryable = false;
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: "this user has no write permission. Grant it, or choose another folder with --data.",
  EPERM: "this user has no write permission. Grant it, or choose another folder with --data.",
  EROFS: "the file system is read-only. Choose another folder with --data.",
  ENOSPC: "the disk is full. Free some space and start again: earlier writes are complete.",
  EDQUOT: "this user's disk quota is used up. Free some space and start again: earlier writes are complete.",
  ENOTDIR: "a file is in the place of a folder. Remove it, or choose another folder with --data.",
  EEXIST: "a file is in the place of a folder. Remove it, or choose another folder with --data.",
  EISDIR: "a folder is in the place of a file. Remove it, or choose another folder with --data.",
  ELOOP: "a symbolic link leads to itself. Remove it, or choose another folder with --data.",
  ENAMETOOLONG: "the path is too long for this system. Choose another folder with --data.",
  EMFILE: "this process has too many open files. Raise the limit (`ulimit -n`) and start again.",
  EIO: "the disk reports an error. Check the disk, or choose another folder with --data.",
};

const lockedRemedy =
  "another process has locked its database for more than 5 seconds. Stop that process and start again.";
const damagedRemedy =
  "the database is damaged. Restore a copy, start over with --fresh, or choose another folder with --data.";

/** A readable database with invalid contents. `reason` is the beginning of a sentence. */
export const createDatabaseDamagedError = (path: string, reason: string): DataFolderUnusable =>
  new DataFolderUnusable(`${path} cannot be used: ${reason}, so ${damagedRemedy}`);

const sqliteBusy = 5;

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that are about the file, not the statement. */
const sqliteRemedies: Readonly<Record<number, string>> = {
  3: remedies.EACCES ?? "",
  [sqliteBusy]: lockedRemedy,
  6: lockedRemedy,
  7: "this machine is out of memory. Close other programs and start again.",
  8: "the database is read-only. Grant this user write permission, or choose another folder with --data.",
  10: remedies.EIO ?? "",
  11: damagedRemedy,
  13: remedies.ENOSPC ?? "",
  14: "the database cannot be opened or created. Check this user's write permission, or choose another folder with --data.",
  15: lockedRemedy,
  24: damagedRemedy,
  26: "the file is not a database. Restore a copy, start over with --fresh, or choose another folder with --data.",
};

const readSqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;

/** Another connection has locked the database. */
export const isDatabaseBusy = (error: unknown): boolean => readSqliteCode(error) === sqliteBusy;

const findRemedy = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  const sqliteCode = readSqliteCode(error);
  if (sqliteCode !== undefined) return sqliteRemedies[sqliteCode];
  if ("code" in error && typeof error.code === "string") return getOwnProperty(remedies, error.code);
  return undefined;
};

/**
 * Converts an error from the use of `path` to DataFolderUnusable if folder, disk or permissions caused it; returns every
 * other error unchanged.
 */
export const toDataFolderError = (path: string, error: unknown): unknown => {
  const remedy = findRemedy(error);
  return remedy === undefined
    ? error
    : new DataFolderUnusable(`${path} cannot be used: ${remedy}`, { cause: error });
};
