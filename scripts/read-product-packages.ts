import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type LockedPackage, mergePackages, parseLockFile } from "./parse-lock-file.ts";

/** The product's lock files: its own, and the one of terraform/. */
export const lockFiles = ["../package-lock.json", "../terraform/package-lock.json"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** Reads the packages of these lock files, each version once; `dev` only if it is in all of them. */
export const readProductPackages = async (
  files: readonly string[] = lockFiles,
): Promise<readonly LockedPackage[]> => {
  const packages = new Map<string, LockedPackage>();
  for (const file of files)
    for (const item of parseLockFile(await readFile(file, "utf8"))) {
      const key = `${item.name}@${item.version}`;
      packages.set(key, mergePackages(packages.get(key), item));
    }
  return [...packages.values()];
};
