import { join } from "node:path";
import pMap from "p-map";
import { type LocalFile, writeLocalFile } from "./local-file.ts";

/**
 * Copies files into an empty folder, named by their numbers. `open`: the content of one of them.
 */
export const copyFiles = async <Entry>(
  files: readonly (readonly [path: string, entry: Entry])[],
  {
    folder,
    open,
    concurrency,
  }: {
    readonly folder: string;
    readonly open: (entry: Entry, path: string) => AsyncIterable<Uint8Array>;
    readonly concurrency: number;
  },
): Promise<ReadonlyMap<string, LocalFile>> =>
  new Map(
    await pMap(
      files,
      async ([path, entry], index) =>
        [path, await writeLocalFile(join(folder, String(index)), open(entry, path))] as const,
      { concurrency },
    ),
  );
