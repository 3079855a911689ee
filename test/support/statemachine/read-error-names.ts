/** The names of the errors that the steps may throw, read from their sources. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stepNames } from "#statemachine/delivery.ts";

const importPattern = /(?:import|export)\s+(?!type\b)[^;]*?from\s+"([.#][^"]+)"/g;
const root = new URL("../../../", import.meta.url);
const namePattern = /override readonly name = "([^"]+)"/g;

/** Error names in a file and in all its imports, except types. */
export const readErrorNames = (
  entries: readonly URL[] = stepNames.map((name) => new URL(`lambdas/${name}/${name}.ts`, root)),
): Set<string> => {
  const seen = new Set<string>();
  const names = new Set<string>();
  const read = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    const source = readFileSync(fileURLToPath(file), "utf8");
    for (const [, name = ""] of source.matchAll(namePattern)) names.add(name);
    for (const [, path = ""] of source.matchAll(importPattern))
      read(path.startsWith("#") ? new URL(path.slice(1), root) : new URL(path, file));
  };
  for (const entry of entries) read(entry);
  return names;
};
