import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundleHandler, type HandlerBundle } from "#packaging/bundle-handler.ts";

/** Writes a function's code and the files that it reads beside itself; the caller must end esbuild's process. */
export const writeBundle = async (
  name: string,
  { folder, file = `${name}.mjs` }: { readonly folder: string; readonly file?: string },
): Promise<HandlerBundle> => {
  const bundle = await bundleHandler(name);
  for (const [path, content] of Object.entries({ [file]: bundle.code, ...bundle.files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return bundle;
};
