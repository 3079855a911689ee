import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { awsClientPruner } from "./aws-client-pruner.ts";
import { functionBuildOptions } from "./bundle-runtime.ts";
import { trimSourceMap } from "./trim-source-map.ts";

export type HandlerBundle = {
  /** `index.mjs`, for the handler string `index.handler`. It names `index.mjs.map` as its source map. */
  readonly code: Uint8Array;
  /** `index.mjs.map`: our own lines, without their text. */
  readonly map: Uint8Array;
  /** Every file in it, by its path from the repository's root. */
  readonly inputs: readonly string[];
  /** What each of these files imports; Node's own modules by their names. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
};

/**
 * Lambda gives a function its role's credentials in environment variables, which the SDK tries first; it imports
 * these other ways only after that. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
const unusedCredentialProviders = ["ini", "sso", "process", "web-identity"].map(
  (way) => `@aws-sdk/credential-provider-${way}`,
);

/**
 * How a step is bundled. Classes lose their names, errors do not: the state machine catches them by a `name` that each
 * of ours says as a literal.
 */
export const handlerOptions = {
  ...functionBuildOptions,
  outfile: "index.mjs",
  // It has an ES module too, but offers it to browsers alone.
  alias: { yaml: "./node_modules/yaml/browser/index.js" },
  external: [
    ...functionBuildOptions.external,
    ...unusedCredentialProviders,
    "@smithy/credential-provider-imds",
  ],
  plugins: [awsClientPruner],
  minify: true,
  keepNames: false,
  sourcemap: "linked",
  sourcesContent: false,
} satisfies BuildOptions;

/**
 * Bundles `lambdas/<name>/handler.ts` with all its packages, as its function's zip has it. The caller ends esbuild's
 * process with its `stop`.
 */
export const bundleHandler = async (name: string): Promise<HandlerBundle> => {
  const { outputFiles, metafile } = await build({
    ...handlerOptions,
    entryPoints: [join("lambdas", name, "handler.ts")],
  });
  const output = (ending: string): Uint8Array => {
    const file = outputFiles.find(({ path }) => path.endsWith(ending));
    if (file === undefined) throw new Error(`esbuild gave no ${ending} for lambdas/${name}/handler.ts`);
    return file.contents;
  };
  const external = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter((one) => one.external).map(({ path }) => path),
  );
  return {
    code: output("index.mjs"),
    map: trimSourceMap(output("index.mjs.map")),
    inputs: [...Object.keys(metafile.inputs), ...external],
    imports: new Map(
      Object.entries(metafile.inputs).map(([path, { imports }]) => [path, imports.map((one) => one.path)]),
    ),
  };
};
