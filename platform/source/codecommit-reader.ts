import {
  BatchGetCommitsCommand,
  type BlobMetadata,
  BranchDoesNotExistException,
  type CodeCommitClient,
  type Commit,
  CommitIdDoesNotExistException,
  FileTooLargeException,
  GetBlobCommand,
  GetBranchCommand,
  GetCommitCommand,
  GetRepositoryCommand,
  InvalidBranchNameException,
  paginateGetDifferences,
} from "@aws-sdk/client-codecommit";
import { callAws } from "#platform/errors/call-aws.ts";
import type { OpenGitBlob } from "./codecommit-clone.ts";
import { CommitNotFound, ModelFilesRefused } from "./source.ts";
import { isRevision } from "./source-rules.ts";
import type { PathDifference, TreeFile } from "./verify-merge.ts";

type CodeCommitReaderDependencies = {
  readonly client: CodeCommitClient;
  readonly repository: string;
  /** Reads what the API does not return, because it is too large; absent: such a file is refused. */
  readonly openLargeBlob?: OpenGitBlob | undefined;
};

/** CodeCommit finds commits only by their full id; an abbreviated one is searched among this many of the newest. */
const walkLimit = 2_000;
/** Commits never change, and the histories of one delivery share most of them. */
const cacheLimit = 20_000;
/** BatchGetCommits takes at most 100. */
const batchLimit = 100;
/** Concurrent calls. */
export const codeCommitConcurrency = 8;

/** Reads a repository in CodeCommit, each commit once. Throws TemporaryFault, and the service's own errors. */
export const createCodeCommitReader = ({
  client,
  repository,
  openLargeBlob,
}: CodeCommitReaderDependencies) => {
  const repositoryName = repository;
  const notFound = (revision: string, cause?: unknown) =>
    new CommitNotFound(`There is no commit ${JSON.stringify(revision)} in ${repository}.`, { cause });

  const byId = async (id: string): Promise<Commit | undefined> => {
    try {
      const { commit } = await callAws("CodeCommit GetCommit", () =>
        client.send(new GetCommitCommand({ repositoryName, commitId: id })),
      );
      return commit;
    } catch (error) {
      if (error instanceof CommitIdDoesNotExistException) return undefined;
      throw error;
    }
  };

  const branchTip = async (branchName: string): Promise<string | undefined> => {
    try {
      const { branch } = await callAws("CodeCommit GetBranch", () =>
        client.send(new GetBranchCommand({ repositoryName, branchName })),
      );
      return branch?.commitId;
    } catch (error) {
      if (error instanceof BranchDoesNotExistException || error instanceof InvalidBranchNameException)
        return undefined;
      throw error;
    }
  };

  const abbreviated = async (start: string): Promise<Commit | undefined> => {
    const { repositoryMetadata } = await callAws("CodeCommit GetRepository", () =>
      client.send(new GetRepositoryCommand({ repositoryName })),
    );
    const tip = repositoryMetadata?.defaultBranch && (await branchTip(repositoryMetadata.defaultBranch));
    const seen = new Set<string>();
    let wanted = tip ? [tip] : [];
    while (wanted.length > 0 && seen.size < walkLimit) {
      const ids = wanted.slice(0, batchLimit);
      for (const id of ids) seen.add(id);
      const { commits = [] } = await callAws("CodeCommit BatchGetCommits", () =>
        client.send(new BatchGetCommitsCommand({ repositoryName, commitIds: ids })),
      );
      const found = commits.find(({ commitId }) => commitId?.startsWith(start));
      if (found) return found;
      const parents = commits.flatMap(({ parents }) => parents ?? []).filter((id) => !seen.has(id));
      wanted = [...new Set([...wanted.slice(batchLimit), ...parents])];
    }
    return undefined;
  };

  /** Finds a commit by a branch's name, or by the beginning of an id. */
  const named = async (revision: string): Promise<Commit | undefined> => {
    const tip = await branchTip(revision);
    if (tip !== undefined) return byId(tip);
    return /^[0-9a-f]{7,39}$/.test(revision) ? abbreviated(revision) : undefined;
  };

  const resolve = async (revision: string): Promise<Commit> => {
    if (!isRevision(revision)) throw notFound(revision);
    const found = /^[0-9a-f]{40}$/.test(revision) ? await byId(revision) : await named(revision);
    if (!found?.commitId) throw notFound(revision);
    return found;
  };
  /** Undefined: too large for the API. https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html */
  const smallBlob = async (blobId: string): Promise<Uint8Array | undefined> => {
    try {
      const { content } = await callAws("CodeCommit GetBlob", () =>
        client.send(new GetBlobCommand({ repositoryName, blobId })),
      );
      return content ?? new Uint8Array();
    } catch (error) {
      if (error instanceof FileTooLargeException) return undefined;
      throw error;
    }
  };
  const createSizeError = (path: string) =>
    new ModelFilesRefused(
      `${path} is larger than the 6 MB that CodeCommit returns: make the file smaller; only the artefact may be larger.`,
    );
  const blob = async (blobId: string, path: string): Promise<Uint8Array> => {
    const bytes = await smallBlob(blobId);
    if (!bytes) throw createSizeError(path);
    return bytes;
  };
  const streamBlob = async function* (commit: string, blobId: string, path: string) {
    const bytes = await smallBlob(blobId);
    if (bytes) yield bytes;
    else if (openLargeBlob) yield* openLargeBlob(commit, blobId);
    else throw createSizeError(path);
  };

  const read = new Map<string, Commit | undefined>();
  const byIds = async (ids: readonly string[]): Promise<readonly Commit[]> => {
    if (read.size > cacheLimit) read.clear();
    const found = new Map(ids.flatMap((id) => [[id, read.get(id)] as const]));
    const unread = ids.filter((id) => !found.get(id));
    for (let start = 0; start < unread.length; start += batchLimit) {
      const { commits = [] } = await callAws("CodeCommit BatchGetCommits", () =>
        client.send(
          new BatchGetCommitsCommand({ repositoryName, commitIds: unread.slice(start, start + batchLimit) }),
        ),
      );
      for (const commit of commits)
        for (const known of [read, found]) known.set(commit.commitId ?? "", commit);
    }
    return ids.flatMap((id) => found.get(id) ?? []);
  };

  const differences = (before: string | undefined, after: string): Promise<Map<string, PathDifference>> =>
    callAws("CodeCommit GetDifferences", async () => {
      const fileOf = (blob: BlobMetadata | undefined): TreeFile | null =>
        blob ? { mode: blob.mode ?? "", blob: blob.blobId ?? "" } : null;
      const found = new Map<string, PathDifference>();
      for await (const { differences: page } of paginateGetDifferences(
        { client },
        { repositoryName, afterCommitSpecifier: after, beforeCommitSpecifier: before },
      ))
        for (const { beforeBlob, afterBlob } of page ?? []) {
          const path = afterBlob?.path ?? beforeBlob?.path;
          if (path) found.set(path, { before: fileOf(beforeBlob), after: fileOf(afterBlob) });
        }
      return found;
    });

  return { client, repositoryName, notFound, resolve, blob, streamBlob, byIds, differences };
};
export type CodeCommitReader = ReturnType<typeof createCodeCommitReader>;
