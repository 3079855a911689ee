import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** The folder that holds the state of the embedded world cannot be used; the message says why and what to do. */
export class DataFolderUnusable extends SlipwayError {
  override readonly name = "DataFolderUnusable";
  override readonly retryable = false;
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there. Give it the right to, or choose another folder with --data.",
  EPERM: "this user may not write there. Give it the right to, or choose another folder with --data.",
  EROFS: "it lies on a read-only file system. Choose another folder with --data.",
  ENOSPC: "the disk is full. Free some space and start again: what was written before is complete.",
  EDQUOT:
    "this user's disk quota is used up. Free some space and start again: what was written before is complete.",
  ENOTDIR: "a file stands where a folder is needed. Remove it, or choose another folder with --data.",
  EEXIST: "a file stands where a folder is needed. Remove it, or choose another folder with --data.",
  EISDIR: "a folder stands where a file is needed. Remove it, or choose another folder with --data.",
  ELOOP: "a symbolic link there leads in a circle. Remove it, or choose another folder with --data.",
  ENAMETOOLONG: "its path is too long for this system. Choose another folder with --data.",
  EMFILE: "this process may open no more files. Raise the limit (`ulimit -n`) and start again.",
  EIO: "the disk reports a fault. Check the disk, or choose another folder with --data.",
};

const heldRemedy =
  "another process has held its database for more than 5 seconds. Stop that process and start again.";
const damagedRemedy =
  "the database there is damaged. Put a copy of it back, start over with --fresh, or choose another folder with --data.";

/** A database that can be read and yet does not hold what it must. `what` is wrong, as the end of a sentence. */
export const createDatabaseDamagedError = (path: string, what: string): DataFolderUnusable =>
  new DataFolderUnusable(`${path} cannot be used: ${what}, so ${damagedRemedy}`);

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that speak of the file and not of the statement. */
const sqliteRemedies: Readonly<Record<number, string>> = {
  3: remedies.EACCES ?? "",
  5: heldRemedy,
  6: heldRemedy,
  7: "this machine has no memory left for it. Close other programs and start again.",
  8: "the database there is read-only. Give this user the right to write, or choose another folder with --data.",
  10: remedies.EIO ?? "",
  11: damagedRemedy,
  13: remedies.ENOSPC ?? "",
  14: "the database there cannot be opened or created. Check that this user may write there, or choose another folder with --data.",
  15: heldRemedy,
  24: damagedRemedy,
  26: "the file there is no database. Put a copy of it back, start over with --fresh, or choose another folder with --data.",
};

const findRemedy = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  if ("errcode" in error && typeof error.errcode === "number") return sqliteRemedies[error.errcode & 0xff];
  if ("code" in error && typeof error.code === "string") return getOwnProperty(remedies, error.code);
  return undefined;
};

/**
 * The error to throw for one met while using `path`: a DataFolderUnusable where folder, disk or rights are
 * at fault, and otherwise the very error that was given.
 */
export const toDataFolderError = (path: string, error: unknown): unknown => {
  const remedy = findRemedy(error);
  return remedy === undefined
    ? error
    : new DataFolderUnusable(`${path} cannot be used: ${remedy}`, { cause: error });
};
