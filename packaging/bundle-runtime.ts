import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin, stop } from "esbuild";
import * as z from "zod";

import { docsFiles, findDocsPackage } from "#inference/openapi/docs-page.ts";

type BundledPackage = { readonly name: string; readonly version: string; readonly license: string };
type RuntimeBundle = {
  /** Path in the function's folder to content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What went in from npm, by name. */
  readonly packages: readonly BundledPackage[];
};

const root = fileURLToPath(new URL("..", import.meta.url));
const PackageJson = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default("UNKNOWN"),
});

/** The folder of the package that a bundled file belongs to: what follows the last `node_modules`. */
const packageFolder = (input: string): string | undefined => {
  const parts = input.split(/[\\/]/);
  const at = parts.lastIndexOf("node_modules");
  if (at < 0) return undefined;
  return parts.slice(0, at + (parts[at + 1]?.startsWith("@") ? 3 : 2)).join(sep);
};

const readPackages = async (inputs: readonly string[]): Promise<BundledPackage[]> => {
  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  const packages = await Promise.all(
    [...folders].map(async (folder) =>
      PackageJson.parse(JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"))),
    ),
  );
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
};

let runningBuilds = 0;

/**
 * Ends esbuild's own process once nobody bundles any more: idle it would hold 55 MB. Whoever bundles in a process in which
 * others may do so, too, does it in here: esbuild's `stop` ends what all of them have under way.
 */
export const withEsbuild = async <T>(work: () => Promise<T>): Promise<T> => {
  runningBuilds++;
  try {
    return await work();
  } finally {
    runningBuilds--;
    if (runningBuilds === 0) await stop();
  }
};

/** How every function of ours is bundled, whatever it carries and however far its names are shortened. */
export const functionBuildOptions = {
  absWorkingDir: root,
  write: false,
  metafile: true,
  bundle: true,
  format: "esm",
  platform: "node",
  // Packages in ES modules lose what is not used; those in CommonJS come whole.
  mainFields: ["module", "main"],
  target: "node24",
  // Where node_modules is a link, its target's path must not show in the bundle.
  preserveSymlinks: true,
  keepNames: true,
  // Node shows the line of an uncaught error: without this, half of the bundle.
  lineLimit: 160,
  legalComments: "none",
  charset: "utf8",
  // It is native; only predict needs it, whose image carries it.
  external: ["onnxruntime-node"],
  // Packages in CommonJS call require for Node's own modules, which an ES module does not have.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
  logLevel: "silent",
} satisfies BuildOptions;

/**
 * onnxruntime's JavaScript goes into the bundle, which spares a cold start 10 ms of finding and reading its 20 files;
 * its native library is found in node_modules beside it. `(0, require)` keeps esbuild from following.
 */
const nativeLibraryPlugin: Plugin = {
  name: "native-beside",
  setup({ onLoad }) {
    onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const parts = source.split(/require\("worker_threads"\)|require\(`\.\.\/bin\//);
      if (parts.length !== 3) throw new Error("onnxruntime-node loads its native library otherwise now");
      const [before, between, after] = parts;
      // A function is no worker thread, and to ask Node for it takes 3 ms.
      const contents = `${before}{ isMainThread: true }${between}(0, require)(\`onnxruntime-node/bin/${after}`;
      return { contents, loader: "js" };
    });
  },
};

/** What a cold start does not load is in files of its own. */
const splittingOptions = {
  outdir: ".",
  entryNames: "index",
  chunkNames: "part-[hash]",
  outExtension: { ".js": ".mjs" },
  splitting: true,
} satisfies BuildOptions;

/**
 * Bundles the inference function into `index.mjs` (handler string `index.handler`) and files beside it, which it loads
 * when it first needs them: the AWS clients that records are written with. onnxruntime's native library stays outside
 * and belongs beside it in node_modules. The same sources and packages give the same bytes, wherever the repository
 * lies.
 */
export const bundleRuntime = async (): Promise<RuntimeBundle> => {
  const { outputFiles, metafile } = await withEsbuild(() =>
    build({
      ...functionBuildOptions,
      entryPoints: [join("lambdas", "predict", "handler.ts")],
      ...splittingOptions,
      external: [],
      plugins: [nativeLibraryPlugin],
      minify: true,
      // Our errors say their names as literals; the names of everything else are work at each cold start.
      keepNames: false,
    }),
  );
  const docs = await Promise.all(
    Object.keys(docsFiles).map(
      async (name): Promise<[string, Uint8Array]> => [
        `docs/${name}`,
        await readFile(join(findDocsPackage(), name)),
      ],
    ),
  );
  const swagger = join("node_modules", "swagger-ui-dist", "package.json");
  return {
    files: new Map([
      ...outputFiles.map(({ path, contents }): [string, Uint8Array] => [
        relative(root, path).split(sep).join("/"),
        contents,
      ]),
      ...docs,
    ]),
    packages: await readPackages([...Object.keys(metafile.inputs), swagger]),
  };
};
