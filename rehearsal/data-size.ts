import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of all files below a folder, but for those that `skip` names; what vanishes meanwhile counts as nothing. */
export const dataSize = async (
  folder: string,
  skip: (path: string) => boolean = () => false,
): Promise<number> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (skip(path)) return 0;
      if (entry.isDirectory()) return dataSize(path, skip);
      return entry.isFile() ? ((await stat(path).catch(() => undefined))?.size ?? 0) : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
};
