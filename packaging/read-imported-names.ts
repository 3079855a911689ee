import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { type Loader, transform } from "esbuild";

const loaders: Readonly<Record<string, Loader>> = { ".ts": "ts", ".mts": "ts", ".tsx": "tsx" };

/** A statement that takes something of a module, as esbuild writes it. */
const statementPattern = /^\s*(?:import|export)\s+([^"';]*?)\s*from\s*"([^"]+)";/gm;

/**
 * The names that a file's import statements take of a module: of Node's own modules only the sources say it, because
 * their exports differ between platforms, versions and processes.
 * @returns `default` among them; undefined for all of them: `import * as`, `export *`
 */
export const readImportedNames = async (
  file: string,
  specifier: string,
): Promise<ReadonlySet<string> | undefined> => {
  const loader = new Map(Object.entries(loaders)).get(extname(file)) ?? "js";
  const { code } = await transform(await readFile(file, "utf8"), { loader, format: "esm", target: "esnext" });
  const names = new Set<string>();
  for (const [, clause = "", from] of code.matchAll(statementPattern)) {
    if (from !== specifier) continue;
    if (clause.includes("*")) return undefined;
    const [before = "", listed = ""] = clause.split("{");
    if (before.replace(",", "").trim() !== "") names.add("default");
    for (const item of listed.replace("}", "").split(",")) {
      const [name = ""] = item.trim().split(/\s+as\s+/);
      if (name !== "") names.add(name);
    }
  }
  return names;
};
