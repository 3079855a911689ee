import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import * as z from "zod";
import { awsClientPruner } from "./aws-client-pruner.ts";
import { functionBuildOptions } from "./bundle-runtime.ts";
import { trimSourceMap } from "./trim-source-map.ts";

export type HandlerBundle = {
  /** `index.mjs`, for the handler string `index.handler`. Its source map is `index.mjs.map`. */
  readonly code: Uint8Array;
  /** `index.mjs.map`: mappings of our own files, without their text. */
  readonly map: Uint8Array;
  /** Files that the code reads beside itself, by their paths in the zip. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** All bundled files, by path from the repository's root. */
  readonly inputs: readonly string[];
  /** What each of these files imports; Node's own modules by their names. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
};

/**
 * The SDK first tries environment variables, where Lambda provides the role's credentials, and imports these providers
 * only after that. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
const unusedCredentialProviders = ["ini", "sso", "process", "web-identity"].map(
  (provider) => `@aws-sdk/credential-provider-${provider}`,
);

const PackageJson = z.object({ name: z.string(), version: z.string() });

/** Packages read their name and version from package.json, of which their scripts and developers' packages are the rest. */
const packageJsonPlugin: Plugin = {
  name: "name-and-version",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*[\\/]package\.json$/ }, async ({ path }) => {
      const { name, version } = PackageJson.parse(JSON.parse(await readFile(path, "utf8")));
      return { contents: JSON.stringify({ name, version }), loader: "json" };
    });
  },
};

/**
 * Options for a step's bundle. Minifying renames classes, but errors keep their names: each of ours has its `name` as a
 * literal, and the state machine's Catch matches it.
 */
export const handlerOptions = {
  ...functionBuildOptions,
  outfile: "index.mjs",
  // yaml exports its ES module only for browsers.
  alias: { yaml: "./node_modules/yaml/browser/index.js" },
  external: [
    ...functionBuildOptions.external,
    ...unusedCredentialProviders,
    "@smithy/credential-provider-imds",
  ],
  plugins: [awsClientPruner, packageJsonPlugin],
  minify: true,
  keepNames: false,
  sourcemap: "linked",
  sourcesContent: false,
} satisfies BuildOptions;

/** Modules that read files of a folder beside them; its name stays beside the bundle. */
const foldersOfModules = { "console/read-assets.ts": "console/assets" } as const;

const readFilesBeside = async (inputs: readonly string[]): Promise<Readonly<Record<string, Uint8Array>>> => {
  const files = new Map<string, Uint8Array>();
  for (const [module, folder] of Object.entries(foldersOfModules))
    if (inputs.includes(module))
      for (const name of await readdir(folder))
        files.set(`${folder.split("/").at(-1)}/${name}`, await readFile(join(folder, name)));
  return Object.fromEntries(files);
};

/**
 * Bundles `lambdas/<name>/handler.ts` with all its packages for its function's zip. The caller must end esbuild's
 * process with esbuild's `stop`.
 */
export const bundleHandler = async (name: string): Promise<HandlerBundle> => {
  const { outputFiles, metafile } = await build({
    ...handlerOptions,
    entryPoints: [join("lambdas", name, "handler.ts")],
  });
  const getOutput = (ending: string): Uint8Array => {
    const file = outputFiles.find(({ path }) => path.endsWith(ending));
    if (file === undefined) throw new Error(`esbuild wrote no ${ending} for lambdas/${name}/handler.ts`);
    return file.contents;
  };
  const external = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter((imported) => imported.external).map(({ path }) => path),
  );
  return {
    code: getOutput("index.mjs"),
    map: trimSourceMap(getOutput("index.mjs.map")),
    files: await readFilesBeside(Object.keys(metafile.inputs)),
    inputs: [...Object.keys(metafile.inputs), ...external],
    imports: new Map(
      Object.entries(metafile.inputs).map(([path, { imports }]) => [path, imports.map((one) => one.path)]),
    ),
  };
};
