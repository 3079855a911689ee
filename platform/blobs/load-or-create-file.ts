import { DataFolderUnusable } from "#platform/errors/data-folder-unusable.ts";
import { createFile } from "./atomic-file.ts";

/**
 * Reads a file, and creates it at its first use (mode 0600). If several processes create it at once, one of them
 * succeeds and all of them read that file. `read` returns undefined for a missing file. Throws DataFolderUnusable.
 */
export const loadOrCreateFile = async <T>(
  file: string,
  {
    read,
    create,
  }: { readonly read: (file: string) => Promise<T | undefined>; readonly create: () => Uint8Array },
): Promise<T> => {
  const existing = await read(file);
  if (existing !== undefined) return existing;
  await createFile(file, [create()], { mode: 0o600 });
  const created = await read(file);
  if (created === undefined)
    throw new DataFolderUnusable(`${file} was removed during its creation. Start again.`);
  return created;
};
