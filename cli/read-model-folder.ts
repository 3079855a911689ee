import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { modelLimitBytes } from "#platform/source/source-rules.ts";
import { UsageMistake } from "./errors.ts";

/** The files of a model's folder by name. Throws UsageMistake when it is no readable folder. */
export const readModelFolder = async (folder: string): Promise<ReadonlyMap<string, Uint8Array>> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    let bytes = 0;
    for (const { name } of files) bytes += (await stat(join(folder, name))).size;
    if (bytes > modelLimitBytes)
      throw new UsageMistake(
        `${folder} holds ${Math.round(bytes / 1e6)} MB; a model's folder has at most ${Math.round(modelLimitBytes / 1e6)} MB.`,
      );
    return new Map(
      await Promise.all(files.map(async ({ name }) => [name, await readFile(join(folder, name))] as const)),
    );
  } catch (fault) {
    if (fault instanceof UsageMistake) throw fault;
    throw new UsageMistake(
      `${folder} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`,
    );
  }
};
