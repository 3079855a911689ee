import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundleHandler, type HandlerBundle } from "#packaging/bundle-handler.ts";
import { bundleRuntime } from "#packaging/bundle-runtime.ts";

/** The inference function's kernels, which lie in its image's runtime layer (packaging/bundle-runtime.ts). */
const readKernels = async () => ({
  "kernel.wasm": await readFile(
    new URL("../../inference/model/compiled/kernel/kernel.wasm", import.meta.url),
  ),
  "scan.wasm": await readFile(new URL("../../model-folder/rows/scan/scan.wasm", import.meta.url)),
});

const writeFiles = async (
  folder: string,
  files: Iterable<readonly [path: string, content: string | Uint8Array]>,
): Promise<void> => {
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
};

/** Writes a function's code and the files that it reads beside itself; the caller must end esbuild's process. */
export const writeBundle = async (
  name: string,
  { folder, file = `${name}.mjs` }: { readonly folder: string; readonly file?: string },
): Promise<HandlerBundle> => {
  const bundle = await bundleHandler(name);
  const files = {
    ...{ [file]: bundle.code, ...bundle.files },
    ...(name === "predict" && (await readKernels())),
  };
  await writeFiles(folder, Object.entries(files));
  return bundle;
};

/** Writes the files of an image's runtime layer into a folder, as Lambda finds them in /var/task. */
export const writeRuntimeBundle = async (folder: string): Promise<void> => {
  const { files } = await bundleRuntime();
  await writeFiles(folder, files);
};
