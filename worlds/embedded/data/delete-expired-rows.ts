import { rm } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { walkFiles } from "./walk-files.ts";

const dayMs = 86_400_000;

/** The retention in a file's path (`keep-30-days/…`); without one: for ever. */
const readRetentionDays = (path: string): number =>
  Number(path.split(sep)[0]?.match(/^keep-(\d+)-days$/)?.[1] ?? Number.POSITIVE_INFINITY);

/**
 * Deletes expired rows of large requests (`records/keep-30-days/…`), as a bucket's lifecycle rules do on AWS. Returns the
 * bytes of all remaining blobs.
 * @param blobs the folder of all blobs
 * @param now epoch milliseconds
 * @param isStopped called for each file; true: stops, and does not count the rest
 */
export const deleteExpiredRows = async (
  blobs: string,
  now: number,
  isStopped: () => boolean = () => false,
): Promise<number> => {
  const records = join(blobs, "records");
  let remainingBytes = 0;
  for await (const { path, bytes, changedAt } of walkFiles(blobs)) {
    if (isStopped()) break;
    if (
      path.startsWith(records + sep) &&
      now - changedAt > readRetentionDays(relative(records, path)) * dayMs
    )
      await rm(path, { force: true });
    else remainingBytes += bytes;
  }
  return remainingBytes;
};
