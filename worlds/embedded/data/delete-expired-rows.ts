import { rm } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { walkFiles } from "./walk-files.ts";

const dayMs = 86_400_000;

/** Days that a file's folder says (`keep-30-days/…`); no such folder: for ever. */
const readRetentionDays = (path: string): number =>
  Number(path.split(sep)[0]?.match(/^keep-(\d+)-days$/)?.[1] ?? Number.POSITIVE_INFINITY);

/**
 * Removes the rows of large requests that are older than their folder says (`records/keep-30-days/…`), as a bucket's
 * lifecycle rules do on AWS, and counts the bytes of all objects that are left.
 * @param blobs the folder of all objects
 * @param now epoch milliseconds
 * @param stopped asked at each file; true: the rest is left alone, and not counted
 */
export const deleteExpiredRows = async (
  blobs: string,
  now: number,
  stopped: () => boolean = () => false,
): Promise<number> => {
  const records = join(blobs, "records");
  let left = 0;
  for await (const { path, bytes, changedAt } of walkFiles(blobs)) {
    if (stopped()) break;
    if (
      path.startsWith(records + sep) &&
      now - changedAt > readRetentionDays(relative(records, path)) * dayMs
    )
      await rm(path, { force: true });
    else left += bytes;
  }
  return left;
};
