import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const dayMs = 86_400_000;

const filesIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    }),
  );
  return found.flat();
};

/**
 * Removes the rows of large requests that are older than their folder says (`records/keep-30-days/…`), as a bucket's
 * lifecycle rules do on AWS. `blobs`: the folder of all objects; `now`: epoch milliseconds.
 */
export const forgetExpiredRows = async (blobs: string, now: number): Promise<void> => {
  const records = join(blobs, "records");
  for (const name of await readdir(records).catch((): string[] => [])) {
    const days = Number(name.match(/^keep-(\d+)-days$/)?.[1] ?? Number.POSITIVE_INFINITY);
    for (const path of await filesIn(join(records, name))) {
      const changed = (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
      if (now - changed > days * dayMs) await rm(path, { force: true });
    }
  }
};
