import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packLayer } from "#platform/images/pack-layer.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** All code that a build runs, in either world. */
export const builderFolders = [
  "api-keys",
  "cli",
  "domain",
  "inference",
  "lambdas",
  "model-check",
  "model-folder",
  "packaging",
  "platform",
  "slack",
  "statemachine",
  "untrusted",
  "worlds",
];
/** The lock file pins every dependency by its hash. */
export const builderFiles = [".npmrc", "package.json", "package-lock.json"];

const isTest = (path: string) => /\.test\.ts$|(^|\/)fixtures\//.test(path);

/**
 * Packs the builder as a deterministic tar: the code that checks a model's folder and builds its image, with the lock
 * file of its dependencies. Equal sources give equal bytes on every machine.
 */
export const packBuilder = async (): Promise<AsyncIterable<Uint8Array>> => {
  const filesByFolder = await Promise.all(
    builderFolders.map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll("\\", "/")),
    ),
  );
  const paths = [...filesByFolder.flat().filter((path) => !isTest(path)), ...builderFiles];
  return packLayer(new Map(paths.map((path) => [path, () => readFile(join(root, path))])));
};

let digestPromise: Promise<string> | undefined;

/** The builder's digest, `sha256:…`; computed once, because a process builds with the code that it loaded. */
export const computeBuilderDigest = (): Promise<string> => {
  digestPromise ??= (async () => {
    const hash = createHash("sha256");
    for await (const chunk of await packBuilder()) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  })();
  return digestPromise;
};
