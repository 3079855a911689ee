/**
 * Builds the bundle of `slipway serve` for serve-bundle.ts: `node serve-bundle-process.ts <latest.json>`.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { functionBuildOptions, withEsbuild } from "./bundle-runtime.ts";
import { describeBuild, serveBundleCache } from "./serve-bundle.ts";

/** The programs of `slipway serve`. Another file of the bundle names them as its source does, by `new URL`. */
const programs = [
  "cli/serve/serve-process.ts",
  "worlds/embedded/workers/serve-worker-process.ts",
  "inference/offload/offload-process.ts",
  "inference/model/isolated-process.ts",
  "platform/store/checkpoint-thread.ts",
] as const;
const programNames = new Set(programs.map((path) => basename(path)));

/** Files and programs beside a module stay where they are, except programs of the bundle. */
const keepSourceUrls: Plugin = {
  name: "keep-source-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const contents = text
        .replaceAll(/new URL\("([^"]+)\.ts", import\.meta\.url\)/g, (found, name: string) =>
          programNames.has(`${basename(name)}.ts`)
            ? `new URL("./${basename(name)}.mjs", import.meta["url"])`
            : found,
        )
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
        .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)));
      return { contents, loader: "ts" };
    });
  },
};

const { outputFiles, metafile } = await withEsbuild(() =>
  build({
    ...functionBuildOptions,
    entryPoints: [...programs],
    outdir: serveBundleCache,
    entryNames: "[name]",
    chunkNames: "[name]-[hash]",
    outExtension: { ".js": ".mjs" },
    splitting: true,
    minify: true,
    keepNames: false,
    plugins: [keepSourceUrls],
    logLevel: "silent",
  }),
);
const hash = createHash("sha256");
for (const { path, contents } of outputFiles) hash.update(basename(path)).update(contents);
const folder = join(serveBundleCache, hash.digest("hex").slice(0, 16));
// An upgrade changes the lock file; npm gives the files of every version the same time.
const inputs = [...Object.keys(metafile.inputs), "package-lock.json", "packaging/serve-bundle-process.ts"];
const description = describeBuild(folder, inputs);
await mkdir(serveBundleCache, { recursive: true });
const draft = await mkdtemp(join(serveBundleCache, "draft-"));
try {
  for (const { path, contents } of outputFiles) await writeFile(join(draft, basename(path)), contents);
  // Another process may have written the same files.
  if (!statSync(folder, { throwIfNoEntry: false })) await rename(draft, folder);
  // Renamed and not written: a copied installation may share the file with the first one.
  const file = join(serveBundleCache, `latest-${process.pid}.json`);
  await writeFile(file, JSON.stringify(description));
  await rename(file, process.argv[2] ?? "");
} finally {
  await rm(draft, { recursive: true, force: true });
}
