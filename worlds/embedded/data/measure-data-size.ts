import { walkFiles } from "./walk-files.ts";

/** Bytes of all files below a folder, except paths that `skip` matches; deleted files count 0. */
export const measureDataSize = async (folder: string, skip?: (path: string) => boolean): Promise<number> => {
  let bytes = 0;
  for await (const file of walkFiles(folder, skip)) bytes += file.bytes;
  return bytes;
};
