import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "esbuild";
import { inlineComputedKeys } from "./inline-computed-keys.ts";
import { removeUnusedErrors } from "./remove-unused-errors.ts";

const root = join(import.meta.dirname, "..");

/** Folders with code that functions may bundle. */
export const functionFolders = [
  "lambdas",
  "worlds/aws",
  "slack",
  "statemachine",
  "domain",
  "inference",
  "api-keys",
  "platform",
  "model-folder",
  "untrusted",
];

/** Every word of the code that functions may bundle: an error class with one of these names is kept. */
const readOwnWords = (): ReadonlySet<string> =>
  new Set(
    functionFolders
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) =>
          join(root, folder, path),
        ),
      )
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .flatMap((path) => readFileSync(path, "utf8").match(/\w+/g) ?? []),
  );

/** Errors that the client's own retries recognise by class. */
const findRetriedErrors = (models: string): ReadonlySet<string> =>
  new Set(
    models
      .split("export class ")
      .filter((text) => text.includes("$retryable"))
      .map((text) => text.match(/^\w+/)?.[0] ?? ""),
  );

/** Lets esbuild drop unused parts of an AWS client: operations, and errors that our code does not name. */
export const awsClientPruner: Plugin = {
  name: "lean-clients",
  setup(build) {
    const ownWords = readOwnWords();
    build.onLoad({ filter: /[\\/]@aws-sdk[\\/].*[\\/]schemas_\d+\.js$/ }, async ({ path }) => {
      const models = await readFile(join(path, "..", "..", "models", "errors.js"), "utf8").catch(() => "");
      const retried = findRetriedErrors(models);
      const source = inlineComputedKeys(await readFile(path, "utf8"));
      return {
        contents: removeUnusedErrors(source, (name) => ownWords.has(name) || retried.has(name)),
        loader: "js",
      };
    });
  },
};
