import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin, stop } from "esbuild";
import * as z from "zod";

import { findJpegDecoder, jpegDecoderFile } from "#inference/image/jpeg-decoder-file.ts";
import { joinStartFiles } from "./join-start-files.ts";
import { lateEntryPoints, lateModulesPlugin } from "./late-modules.ts";
import { readImportedNames } from "./read-imported-names.ts";
import { replaceArrowFunctions } from "./replace-arrow-functions.ts";

type BundledPackage = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly ecosystem?: "cargo";
};
export type RuntimeBundle = {
  /** Contents by path in the function's folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The bundled npm packages, sorted by name. */
  readonly packages: readonly BundledPackage[];
};

const root = fileURLToPath(new URL("..", import.meta.url));
const PackageJson = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default("UNKNOWN"),
});

/** The package folder of a bundled file, by its last `node_modules`; undefined for our own files. */
const findPackageFolder = (input: string): string | undefined => {
  const parts = input.split(/[\\/]/);
  const at = parts.lastIndexOf("node_modules");
  if (at < 0) return undefined;
  return parts.slice(0, at + (parts[at + 1]?.startsWith("@") ? 3 : 2)).join(sep);
};

const readPackages = async (inputs: readonly string[]): Promise<BundledPackage[]> => {
  const folders = new Set(inputs.flatMap((input) => findPackageFolder(input) ?? []));
  const packages = await Promise.all(
    [...folders].map(async (folder) =>
      PackageJson.parse(JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"))),
    ),
  );
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
};

let runningBuilds = 0;

/**
 * Ends esbuild's process after the last concurrent build, because it would hold 55 MB while idle. Run every build of a
 * long-lived process through this function: esbuild's `stop` aborts all running builds.
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

/** Options that all functions' bundles share. */
export const functionBuildOptions = {
  absWorkingDir: root,
  write: false,
  metafile: true,
  bundle: true,
  format: "esm",
  platform: "node",
  // esbuild drops unused code of ES modules, but not of CommonJS modules.
  mainFields: ["module", "main"],
  target: "node24",
  // If node_modules is a link, its target's path must not appear in the bundle.
  preserveSymlinks: true,
  keepNames: true,
  // Node prints the line of an uncaught error, which would be half of the bundle without a limit.
  lineLimit: 160,
  legalComments: "none",
  charset: "utf8",
  // A native library that only predict needs, and predict's image contains it.
  external: ["onnxruntime-node"],
  // CommonJS packages call require for Node's own modules, but an ES module has no require.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
  logLevel: "silent",
} satisfies BuildOptions;

/**
 * Bundles onnxruntime's JavaScript, which saves 10 ms of a cold start (20 files); its native library stays in
 * node_modules. `(0, require)` prevents esbuild from resolving the path.
 */
const nativeLibraryPlugin: Plugin = {
  name: "native-beside",
  setup({ onLoad }) {
    onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const parts = source.split(/require\("worker_threads"\)|require\(`\.\.\/bin\//);
      if (parts.length !== 3)
        throw new Error("onnxruntime-node's binding.js has changed: adapt nativeLibraryPlugin");
      const [before, between, after] = parts;
      // A function never runs in a worker thread, and importing worker_threads takes 3 ms.
      const contents = `${before}{ isMainThread: true }${between}(0, require)(\`onnxruntime-node/bin/${after}`;
      return { contents, loader: "js" };
    });
  },
};

/** These exports of a module of Node's. */
const writeBuiltinModule = (path: string, imported: ReadonlySet<string>): string => {
  const name = JSON.stringify(path);
  const names = [...imported].filter((each) => each !== "default").sort();
  return [
    `const get = (name) => process.getBuiltinModule(${name})[name];`,
    ...names.map((each, index) => `const _${index} = /* @__PURE__ */ get("${each}");`),
    `export { ${names.map((each, index) => `_${index} as ${each}`).join(", ")} };`,
    `const all = /* @__PURE__ */ process.getBuiltinModule(${name});`,
    "export { all as default };",
  ].join("\n");
};

/**
 * Node's own modules by process.getBuiltinModule: an import statement reads each of their exports, and with those of node:fs
 * that loads streams and more, 4 ms of a cold start. As a CommonJS module esbuild would copy all of them, 1 ms.
 */
const builtinModulesPlugin: Plugin = {
  name: "builtin-modules",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z_:/0-9]+$/ }, async ({ path, kind, importer }) => {
      if (!isBuiltin(path)) return undefined;
      const file = importer.replace(/\?.*$/, "");
      const names = kind === "import-statement" ? await readImportedNames(file, path) : undefined;
      return names === undefined
        ? { path, namespace: "required-builtin" }
        : // For each importer its own, so that a start does not read what only other files import.
          { path, suffix: `?${relative(root, file)}`, namespace: "imported-builtin", pluginData: names };
    });
    onLoad({ filter: /.*/, namespace: "required-builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
      loader: "js",
    }));
    onLoad({ filter: /.*/, namespace: "imported-builtin" }, ({ path, pluginData }) => ({
      contents: writeBuiltinModule(path, pluginData),
      loader: "js",
    }));
  },
};

/** `require` of the bundle, made when something calls it: createRequire takes 2 ms. */
const lateRequire =
  'let __require;const require=name=>(__require??=process.getBuiltinModule("node:module").createRequire(import.meta.url))(name);';

/** The tokenizer's file, beside the code that reads it (tokenizer-engine.ts), and the crate that it is built from. */
const tokenizersFile = "tokenizers.wasm";
const readTokenizers = async (): Promise<{ readonly bytes: Uint8Array; readonly crate: BundledPackage }> => {
  const folder = join(root, "inference", "text");
  const lock = await readFile(join(folder, "crate", "Cargo.lock"), "utf8");
  const version = /name = "tokenizers"\nversion = "([^"]+)"/.exec(lock)?.[1];
  if (version === undefined) throw new Error("inference/text/crate/Cargo.lock has no tokenizers");
  return {
    bytes: await readFile(join(folder, tokenizersFile)),
    crate: { name: "tokenizers", version, license: "Apache-2.0", ecosystem: "cargo" },
  };
};

/** The kernel of compiled models and the scanner of rows, beside the code that reads them (open-ensemble.ts, open-scanner.ts). */
const kernelFile = "kernel.wasm";
const scannerFile = "scan.wasm";
const readKernel = (): Promise<Uint8Array> =>
  readFile(join(root, "inference", "model", "compiled", "kernel", kernelFile));
const readScanner = (): Promise<Uint8Array> =>
  readFile(join(root, "model-folder", "rows", "scan", scannerFile));

/** What a cold start and its first request load: our own code alone. */
const ownFiles = ["start.mjs", "index.mjs", "late-request.mjs"];

/** Code that a cold start does not load goes to separate files. */
const splittingOptions = {
  outdir: ".",
  entryNames: "[name]",
  chunkNames: "part-[hash]",
  outExtension: { ".js": ".mjs" },
  splitting: true,
} satisfies BuildOptions;

/**
 * Bundles the inference function into `index.mjs` (handler string `index.handler`) and files that it loads at first use:
 * the AWS clients for records, the tokenizer. onnxruntime's native library stays outside, in node_modules next to the bundle. The same
 * sources and packages give the same bytes in any folder.
 */
export const bundleRuntime = async (): Promise<RuntimeBundle> => {
  const options = {
    ...functionBuildOptions,
    external: [],
    banner: { js: lateRequire },
    minify: true,
    // One character above U+00FF, and V8 keeps and reads two bytes for each of a file.
    charset: "ascii",
    // Our errors have their names as literals; keeping all other names would slow down each cold start.
    keepNames: false,
  } satisfies BuildOptions;
  const { files, metafile } = await withEsbuild(async () => {
    const split = await build({
      ...options,
      entryPoints: { index: join("lambdas", "predict", "handler.ts"), ...lateEntryPoints },
      ...splittingOptions,
      plugins: [lateModulesPlugin(root), nativeLibraryPlugin, builtinModulesPlugin],
    });
    const files = new Map(split.outputFiles.map(({ path, text }) => [relative(root, path), text]));
    const { metafile } = split;
    const outputFiles = await joinStartFiles({ files, metafile }, "index.mjs", options);
    const contents = outputFiles.map(async ({ path, contents, text }): Promise<[string, Uint8Array]> => {
      const name = relative(root, path).split(sep).join("/");
      return ownFiles.includes(name)
        ? [name, new TextEncoder().encode(await replaceArrowFunctions(text, options))]
        : [name, contents];
    });
    return { metafile, files: await Promise.all(contents) };
  });
  const tokenizers = await readTokenizers();
  // Only models with image inputs load it; as WebAssembly it is the same on every platform.
  const decoder = await readFile(findJpegDecoder());
  return {
    files: new Map([
      ...files,
      [tokenizersFile, tokenizers.bytes],
      [jpegDecoderFile, decoder],
      [kernelFile, await readKernel()],
      [scannerFile, await readScanner()],
    ]),
    packages: [...(await readPackages(Object.keys(metafile.inputs))), tokenizers.crate],
  };
};
