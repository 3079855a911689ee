import type { Dirent } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";

type FileEntry = {
  readonly path: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly changedAt: number;
};

/**
 * Lists all files below a folder, except paths that `skip` matches, one by one: the rows of large requests may be hundreds
 * of thousands of files, and a prediction should wait for one of them, not for all. Leaves out deleted files.
 */
export async function* walkFiles(
  folder: string,
  skip: (path: string) => boolean = () => false,
): AsyncGenerator<FileEntry> {
  const entries: AsyncIterable<Dirent> | readonly Dirent[] = await opendir(folder).catch(() => []);
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (skip(path)) continue;
    if (entry.isDirectory()) yield* walkFiles(path, skip);
    if (!entry.isFile()) continue;
    const stats = await stat(path).catch(() => undefined);
    if (stats) yield { path, bytes: stats.size, changedAt: stats.mtimeMs };
  }
}
