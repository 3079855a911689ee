import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { copyFiles } from "#platform/files/copy-files.ts";
import type { LocalFile } from "#platform/files/local-file.ts";
import { modelLimitBytes } from "#platform/source/source-rules.ts";
import { UsageMistake } from "./errors.ts";
import { findNearestName } from "./explain-unknown-model.ts";
import { listModelFolders } from "./list-model-folders.ts";

/** The nearest model's folder beside the named one, or in models/ where only a name is given. */
const suggestFolder = (folder: string): string => {
  for (const parent of [dirname(resolve(folder)), resolve("models")]) {
    const nearest = findNearestName(basename(resolve(folder)), listModelFolders(parent));
    if (nearest !== undefined) return ` Did you mean ${relative(".", join(parent, nearest)) || "."}?`;
  }
  return "";
};

/** Throws UsageMistake if the folder cannot be read. */
const explainFailure = async <T>(folder: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UsageMistake) throw error;
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      throw new UsageMistake(
        `${folder} is not a folder: name the folder of a model, models/<name>; \`slipway new\` creates one.${suggestFolder(folder)}`,
      );
    throw new UsageMistake(
      `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
};

const listFiles = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name))).size;
  if (bytes > modelLimitBytes)
    throw new UsageMistake(
      `${folder} is too large: ${Math.round(bytes / 1e6)} MB (limit ${Math.round(modelLimitBytes / 1e6)} MB).`,
    );
  return names;
};

/** Throws UsageMistake for a folder that is missing, unreadable or too large. */
export const assertModelFolder = (folder: string): Promise<void> =>
  explainFailure(folder, async () => void (await listFiles(folder)));

/** The files of a model's folder by name. Throws UsageMistake for a folder that is unreadable or too large. */
export const readModelFolder = (folder: string): Promise<ReadonlyMap<string, Uint8Array>> =>
  explainFailure(folder, async () => {
    const names = await listFiles(folder);
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
    );
  });

/** Copies the files of a model's folder into an empty folder, by streams. Throws UsageMistake, as readModelFolder. */
export const copyModelFolder = (folder: string, into: string): Promise<ReadonlyMap<string, LocalFile>> =>
  explainFailure(folder, async () =>
    copyFiles(
      (await listFiles(folder)).map((name) => [name, join(folder, name)] as const),
      { folder: into, open: (path) => createReadStream(path), concurrency: 1 },
    ),
  );
