import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { modelLimitBytes } from "#platform/source/source-rules.ts";
import { UsageMistake } from "./errors.ts";

/** The files of a model's folder by name. Throws UsageMistake for a folder that is unreadable or too large. */
export const readModelFolder = async (folder: string): Promise<ReadonlyMap<string, Uint8Array>> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    let bytes = 0;
    for (const { name } of files) bytes += (await stat(join(folder, name))).size;
    if (bytes > modelLimitBytes)
      throw new UsageMistake(
        `${folder} is too large: ${Math.round(bytes / 1e6)} MB (limit ${Math.round(modelLimitBytes / 1e6)} MB).`,
      );
    return new Map(
      await Promise.all(files.map(async ({ name }) => [name, await readFile(join(folder, name))] as const)),
    );
  } catch (error) {
    if (error instanceof UsageMistake) throw error;
    throw new UsageMistake(
      `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
};
