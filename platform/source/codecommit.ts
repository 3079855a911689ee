import {
  CommitDoesNotExistException,
  FolderDoesNotExistException,
  GetFolderCommand,
  type GetFolderCommandOutput,
  type Commit as SdkCommit,
} from "@aws-sdk/client-codecommit";
import pMap from "p-map";
import { callAws } from "#platform/errors/call-aws.ts";
import { copyFiles } from "#platform/files/copy-files.ts";
import { type CodeCommitReader, codeCommitConcurrency } from "./codecommit-reader.ts";
import { limitCommit } from "./limit-commit.ts";
import type { Commit, Source, SourceLink } from "./source.ts";
import { assertModelSize, isPathInside, refuseEntry } from "./source-rules.ts";

/** CodeCommit's dates: seconds since 1970 and the zone, `1484167798 -0800`. */
const toIsoDate = (date: string | undefined): string =>
  new Date(Number((date ?? "").split(" ")[0]) * 1_000).toISOString();

const toCommit = (commit: SdkCommit): Commit =>
  limitCommit({
    id: commit.commitId ?? "",
    author: { name: commit.author?.name ?? "", email: commit.author?.email ?? "" },
    subject: (commit.message ?? "").split("\n")[0] ?? "",
    committedAt: toIsoDate(commit.committer?.date),
  });

/**
 * A repository in CodeCommit. Throws the contract's errors, TemporaryFault, and the service's own if the repository
 * does not exist or is not allowed. https://docs.aws.amazon.com/codecommit/latest/APIReference/Welcome.html
 */
export const createCodeCommitSource = (reader: CodeCommitReader): Source => {
  const { client, repositoryName, notFound, resolve, blob, streamBlob, differences } = reader;
  const idOf = async (revision: string): Promise<string> => (await resolve(revision)).commitId ?? "";

  const folder = async (commit: string, path: string): Promise<GetFolderCommandOutput | undefined> => {
    try {
      return await callAws("CodeCommit GetFolder", () =>
        client.send(new GetFolderCommand({ repositoryName, commitSpecifier: commit, folderPath: path })),
      );
    } catch (error) {
      if (error instanceof FolderDoesNotExistException) return undefined;
      throw error;
    }
  };

  /** Every file below a folder, as `[path from the root, blob]`. GetFolder gives one level at a time. */
  const filesBelow = async (model: string, commit: string, path: string): Promise<[string, string][]> => {
    const found = await folder(commit, path);
    for (const { absolutePath } of found?.symbolicLinks ?? [])
      refuseEntry(model, absolutePath ?? path, "a symbolic link");
    for (const { absolutePath } of found?.subModules ?? [])
      refuseEntry(model, absolutePath ?? path, "a submodule");
    const files = (found?.files ?? []).map(({ absolutePath = "", blobId = "" }): [string, string] => [
      absolutePath,
      blobId,
    ]);
    for (const { absolutePath } of found?.subFolders ?? [])
      if (absolutePath) files.push(...(await filesBelow(model, commit, absolutePath)));
    return files;
  };

  /**
   * Every file of a model's folder, as `[path inside that, blob]`. Throws ModelFilesRefused, but not for too many bytes:
   * CodeCommit returns a file's size only with its content.
   */
  const listFolder = async (model: string, commit: string): Promise<[string, string][]> => {
    const id = await idOf(commit);
    if (model.includes("/") || !isPathInside(model)) return [];
    const root = `models/${model}`;
    const files = await filesBelow(model, id, root);
    return files.map(([path, blobId]) => [path.slice(root.length + 1), blobId]);
  };

  /** A page of AWS's console. */
  const linkPage = async (page: string): Promise<SourceLink> => {
    const region = await client.config.region();
    const name = encodeURIComponent(repositoryName);
    return {
      kind: "page",
      url: `https://${region}.console.aws.amazon.com/codesuite/codecommit/repositories/${name}/${page}?region=${region}`,
    };
  };

  return {
    commit: async (revision) => toCommit(await resolve(revision)),

    async changedPaths(before, after) {
      const afterCommitSpecifier = await idOf(after);
      const beforeCommitSpecifier = before === undefined ? undefined : await idOf(before);
      const found = await differences(beforeCommitSpecifier, afterCommitSpecifier).catch((error: unknown) => {
        throw error instanceof CommitDoesNotExistException ? notFound(before ?? after, error) : error;
      });
      return [...found.keys()];
    },

    linkDiff: (before, after) => linkPage(`compare/${before}/.../${after}`),
    linkCommit: (commit) => linkPage(`commit/${commit}`),

    async models(commit) {
      const found = await folder(await idOf(commit), "models");
      return (found?.subFolders ?? []).flatMap(({ relativePath }) => relativePath ?? []);
    },

    async modelFiles(model, commit, names) {
      const files = (await listFolder(model, commit)).filter(([name]) => names.includes(name));
      const readFile = async ([name, id]: [string, string]) =>
        [name, await blob(id, `models/${model}/${name}`)] as const;
      return new Map(await pMap(files, readFile, { concurrency: codeCommitConcurrency }));
    },

    async copyModelFiles(model, commit, folder) {
      let total = 0;
      const open = async function* (id: string, name: string) {
        for await (const bytes of streamBlob(commit, id, `models/${model}/${name}`)) {
          total += bytes.byteLength;
          assertModelSize(model, total);
          yield bytes;
        }
      };
      const files = await listFolder(model, commit);
      return copyFiles(files, { folder, open, concurrency: codeCommitConcurrency });
    },

    async modelFileIds(model, commit) {
      return new Map(await listFolder(model, commit));
    },

    async file(path, commit) {
      const id = await idOf(commit);
      if (!isPathInside(path)) return undefined;
      const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "/";
      const found = (await folder(id, parent))?.files?.find(({ absolutePath }) => absolutePath === path);
      return found?.blobId === undefined ? undefined : blob(found.blobId, path);
    },
  };
};
