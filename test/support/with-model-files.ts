import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LoadedModel } from "#inference/model/load-model.ts";
import { loadModelFolder } from "#inference/model/load-model-folder.ts";

/** Writes a model's files into a new folder and loads them as the service does, for as long as `use` runs. */
export const withModelFiles = async <Result>(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  use: (model: LoadedModel) => Promise<Result>,
): Promise<Result> => {
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of files) await writeFile(join(folder, file), bytes);
  const model = await loadModelFolder(folder);
  try {
    return await use(model);
  } finally {
    await model.release();
  }
};
