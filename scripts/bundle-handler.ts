import { join } from "node:path";
import { build } from "esbuild";
import { functionBundle } from "../inference/bundle.ts";

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
    ...functionBundle,
    entryPoints: [join("lambdas", name, "handler.ts")],
    // Packages in ES modules lose what is not used; those in CommonJS come whole.
    mainFields: ["module", "main"],
    minify: true,
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild gave nothing for lambdas/${name}/handler.ts`);
  const external = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter((one) => one.external).map(({ path }) => path),
  );
  return { code: output.contents, inputs: [...Object.keys(metafile.inputs), ...external] };
};
