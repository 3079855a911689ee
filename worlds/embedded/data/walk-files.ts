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
 * Every file below a folder but for those that `skip` names, one after the other: the rows of large requests are
 * hundreds of thousands of files, and whoever asks for a prediction meanwhile waits for one of them and not for all.
 * What vanishes meanwhile is left out.
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
    const found = await stat(path).catch(() => undefined);
    if (found) yield { path, bytes: found.size, changedAt: found.mtimeMs };
  }
}
