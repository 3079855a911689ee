import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type LockedPackage, mergePackages, parseLockFile } from "./parse-lock-file.ts";

/** The lock files of the product: its own, and that of the package which writes its infrastructure. */
export const lockFiles = ["../package-lock.json", "../terraform/package-lock.json"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** The packages of these lock files, each version once; needed to run where one of the files says so. */
export const readProductPackages = async (
  files: readonly string[] = lockFiles,
): Promise<readonly LockedPackage[]> => {
  const found = new Map<string, LockedPackage>();
  for (const file of files)
    for (const one of parseLockFile(await readFile(file, "utf8"))) {
      const key = `${one.name}@${one.version}`;
      found.set(key, mergePackages(found.get(key), one));
    }
  return [...found.values()];
};
