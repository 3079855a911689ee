import { copyFiles } from "#platform/files/copy-files.ts";
import { readContent, streamContent } from "#platform/files/file-content.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import type { Source } from "#platform/source/source.ts";

/** `copyModelFiles` of a source whose models are maps from names to bytes. */
export const copyModelFilesOf =
  (filesAt: (model: string, commit: string) => ReadonlyMap<string, Uint8Array>): Source["copyModelFiles"] =>
  (model, commit, folder) =>
    copyFiles([...filesAt(model, commit)], {
      folder,
      open: streamContent,
      concurrency: 1,
    });

/** Every file of a model at a commit, copied by its source and read from there. */
export const readAllModelFiles = (
  source: Pick<Source, "copyModelFiles">,
  model: string,
  commit: string,
): Promise<ReadonlyMap<string, Uint8Array>> =>
  useTemporaryFolder("slipway-test-", async (folder) => {
    const files = await source.copyModelFiles(model, commit, folder);
    const contents = [...files].map(async ([name, file]) => [name, await readContent(file)] as const);
    return new Map(await Promise.all(contents));
  });
