import { createReadStream } from "node:fs";
import { copyFile, link, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { maxPointerBytes } from "#model-folder/manifest/parse-lfs-pointer.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { noArtifactAddresses } from "#platform/artifact-rules/artifact-rules.ts";
import { toArtifactKey } from "#platform/artifacts/artifacts.ts";
import { createBlobArtifactStore } from "#platform/artifacts/blob-artifact-store.ts";
import { openLocalArtifacts } from "#platform/artifacts/open-local-artifacts.ts";
import { resolveModelFiles } from "#platform/artifacts/resolve-model-files.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { copyFiles } from "#platform/files/copy-files.ts";
import type { LocalFile } from "#platform/files/local-file.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import { findRepository } from "./find-repository.ts";
import { selectDataFolder } from "./folders.ts";
import { readFolderPolicy } from "./read-folder-policy.ts";

/**
 * Adds a working folder's artefact to the copied files where the folder only says where it is, within the rules of its
 * repository's policy.yaml. What was read once stays in the data folder, by its hash.
 */
export const resolveFolderFiles = (
  folder: string,
  data: string | undefined,
  onKept?: (uri: string, file: string) => void,
) =>
  resolveModelFiles({
    artifacts: openLocalArtifacts({ repository: findRepository(folder) }),
    store: createBlobArtifactStore({ blobs: createFileBlobs({ folder: selectDataFolder(data).blobs }) }),
    rules: async () => (await readFolderPolicy(folder))?.artifacts ?? noArtifactAddresses,
    ...(onKept && {
      onKept: ({ uri, sha256 }) => onKept(uri, join(selectDataFolder(data).blobs, toArtifactKey(sha256))),
    }),
  });

/**
 * The artefact of a working folder that only says where it is, written into an empty folder; undefined: the folder holds
 * it, or its manifest cannot be read. Throws the errors of Artifacts.
 * @param onKept gets an address that was not read, and the file of the data folder that was
 */
export const fetchFolderArtifact = async (
  folder: string,
  into: string,
  { data, onKept }: { readonly data?: string; readonly onKept?: (uri: string, file: string) => void } = {},
): Promise<LocalFile | undefined> => {
  const sizes = new Map<string, number>();
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isFile()) sizes.set(entry.name, (await stat(join(folder, entry.name))).size);
  // A larger file is no pointer: that it exists is enough.
  const open = (name: string) =>
    name === "model.yaml" || (sizes.get(name) ?? 0) <= maxPointerBytes
      ? createReadStream(join(folder, name))
      : Readable.from([]);
  const names = [...sizes.keys()].map((name) => [name, name] as const);
  const files = await copyFiles(names, { folder: into, open, concurrency: 1 });
  const resolved = await resolveFolderFiles(folder, data, onKept)(files, { commit: "", folder: into });
  return [...resolved].find(([name, file]) => file !== files.get(name))?.[1];
};

/** Gives `use` a folder that holds the artefact: this one, or a temporary one with the same files and the artefact. */
export const useCompleteFolder = <T>(
  folder: string,
  data: string | undefined,
  use: (complete: string) => Promise<T>,
): Promise<T> =>
  useTemporaryFolder("slipway-model-", async (work) => {
    const copies = join(work, "copies");
    await mkdir(copies);
    const artifact = await fetchFolderArtifact(folder, copies, data === undefined ? {} : { data });
    if (!artifact) return use(folder);
    const complete = join(work, "model");
    await mkdir(complete);
    const name = getArtifactFile(readManifest(await readFile(join(folder, "model.yaml"))));
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isFile() && entry.name !== name)
        await copyFile(join(folder, entry.name), join(complete, entry.name));
    await link(artifact.path, join(complete, name));
    return use(complete);
  });
