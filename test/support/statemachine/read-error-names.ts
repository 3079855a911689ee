/** The names of the errors that the steps may throw, read from their sources. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stepNames } from "#statemachine/delivery.ts";
import { parseSource } from "#test/support/parse-source.ts";

const root = new URL("../../../", import.meta.url);

/** Error names in a file and in all its imports, except types. */
export const readErrorNames = (
  entries: readonly URL[] = stepNames.map((name) => new URL(`lambdas/${name}/${name}.ts`, root)),
): Set<string> => {
  const seen = new Set<string>();
  const names = new Set<string>();
  const read = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    const path = fileURLToPath(file);
    const { imports, errorNames } = parseSource(path, readFileSync(path, "utf8"));
    for (const name of errorNames) names.add(name);
    for (const { specifier, typeOnly } of imports) {
      if (typeOnly) continue;
      if (specifier.startsWith("#")) read(new URL(specifier.slice(1), root));
      if (specifier.startsWith(".")) read(new URL(specifier, file));
    }
  };
  for (const entry of entries) read(entry);
  return names;
};
