import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export type HandlerBundle = {
  /** `index.mjs`, for the handler string `index.handler`. */
  readonly code: Uint8Array;
  /** Every file in it, by its path from the repository's root. */
  readonly inputs: readonly string[];
};

/**
 * Bundles `lambdas/<name>/handler.ts` with all its packages, as its function's zip has it. Names are kept, because
 * the state machine catches errors by them. The caller ends esbuild's process with its `stop`.
 */
export const bundleHandler = async (name: string): Promise<HandlerBundle> => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join("lambdas", name, "handler.ts")],
    outfile: "index.mjs",
    write: false,
    metafile: true,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Packages in ES modules lose what is not used; those in CommonJS come whole.
    mainFields: ["module", "main"],
    preserveSymlinks: true,
    minify: true,
    keepNames: true,
    // Node shows the line of an uncaught error: without this, half of the bundle.
    lineLimit: 160,
    legalComments: "none",
    charset: "utf8",
    // It is native; only predict needs it, whose image carries it.
    external: ["onnxruntime-node"],
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
    logLevel: "silent",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild gave nothing for lambdas/${name}/handler.ts`);
  const external = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter((one) => one.external).map(({ path }) => path),
  );
  return { code: output.contents, inputs: [...Object.keys(metafile.inputs), ...external] };
};
