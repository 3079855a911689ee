import { readFile } from "node:fs/promises";
import { UsageMistake } from "#cli/errors.ts";

const reasons: ReadonlyMap<unknown, string> = new Map([
  ["ENOENT", "does not exist"],
  ["ENOTDIR", "does not exist"],
  ["EISDIR", "is a folder, not a file"],
  ["EACCES", "may not be read by this user"],
  ["EPERM", "may not be read by this user"],
  ["ERR_FS_FILE_TOO_LARGE", "is larger than 2 GB"],
]);

/** Reads a file that the command line names. Throws UsageMistake with the reason. */
export const readInputFile = async (file: string): Promise<Uint8Array> => {
  try {
    return await readFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    throw new UsageMistake(
      `${file} ${reasons.get(code) ?? `cannot be read (${String(code)})`}: name another file.`,
    );
  }
};
