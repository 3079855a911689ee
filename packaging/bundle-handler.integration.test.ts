import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, stop } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { parseSource } from "#test/support/parse-source.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { functionFolders } from "./aws-client-pruner.ts";
import { handlerOptions } from "./bundle-handler.ts";

const root = join(import.meta.dirname, "..");
afterAll(stop);

/** Our files with error classes. */
const files = functionFolders
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  )
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .filter((path) => parseSource(path, readFileSync(join(root, path), "utf8")).errorNames.length > 0);

const isError = (value: unknown): value is new (...args: unknown[]) => Error =>
  typeof value === "function" && value.prototype instanceof Error;

test("every error keeps its name in a bundle, although its class loses its own", async () => {
  const folder = await createTemporaryFolder();
  try {
    const contents = files.map((path, at) => `export * as file${at} from "./${path}";`).join("\n");
    const { outputFiles } = await build({
      ...handlerOptions,
      entryPoints: undefined,
      sourcemap: false,
      stdin: { contents, resolveDir: root, sourcefile: "errors.ts" },
    });
    const code = outputFiles.find(({ path }) => path.endsWith(".mjs"))?.contents ?? "";
    await writeFile(join(folder.path, "index.mjs"), code);
    const modules: Record<string, object> = await import(pathToFileURL(join(folder.path, "index.mjs")).href);

    // SlipwayError is abstract: its subclasses have the names.
    const errors = Object.values(modules).flatMap((module) =>
      Object.entries(module).flatMap(([name, Class]) =>
        isError(Class) && name !== "SlipwayError" ? [{ name, Class }] : [],
      ),
    );
    expect(errors.length).toBeGreaterThan(30);
    expect(errors.filter(({ name, Class }) => Class.name === name)).toEqual([]);
    for (const { name, Class } of errors) {
      // BuildFailed gets its name as an argument; other errors take lists of problems.
      const args = name === "BuildFailed" ? [name] : [[], []];
      expect(new Class(...args).name).toBe(name);
    }
  } finally {
    await folder.remove();
  }
});
