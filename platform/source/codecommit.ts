import {
  BatchGetCommitsCommand,
  type BlobMetadata,
  BranchDoesNotExistException,
  type CodeCommitClient,
  CommitDoesNotExistException,
  CommitIdDoesNotExistException,
  FileTooLargeException,
  FolderDoesNotExistException,
  type Commit as Found,
  GetBlobCommand,
  GetBranchCommand,
  GetCommitCommand,
  GetFolderCommand,
  type GetFolderCommandOutput,
  GetRepositoryCommand,
  InvalidBranchNameException,
  paginateGetDifferences,
} from "@aws-sdk/client-codecommit";
import { awsCall } from "../aws-call.ts";
import { coAuthors } from "./co-authors.ts";
import { type Difference, type File, isMergeOf } from "./is-merge-of.ts";
import {
  type Commit,
  CommitNotFound,
  type HistoryCommit,
  ModelFilesRefused,
  type PathChange,
  type Source,
} from "./source.ts";
import { isInside, isRevision, refuseEntry, refuseTooMuch } from "./source-rules.ts";

type Needs = { readonly client: CodeCommitClient; readonly repository: string };

/** CodeCommit knows commits by their whole id alone; an abbreviated one is looked for among so many of the newest. */
const longestWalk = 2_000;
/**
 * The most commits that a history gives. Each is found by a call after the call that found its child, and its changes are
 * a call of their own, 8 side by side: at 50 ms a call about 115 seconds, of the 300 that a step has.
 */
const historyLimit = 2_000;
/** Commits never change, and the histories that one delivery needs have most of them in common. */
const knownLimit = 20_000;
/** The most commits that are compared for the best one before a merge's parents. */
const mostBases = 8;
/** BatchGetCommits takes at most 100. */
const batch = 100;
/** Blobs read at once. */
const together = 8;

/** CodeCommit's dates: seconds since 1970 and the zone, `1484167798 -0800`. */
const isoDate = (date: string | undefined): string =>
  new Date(Number((date ?? "").split(" ")[0]) * 1_000).toISOString();

const toCommit = (found: Found): Commit => ({
  id: found.commitId ?? "",
  author: { name: found.author?.name ?? "", email: found.author?.email ?? "" },
  subject: (found.message ?? "").split("\n")[0] ?? "",
  committedAt: isoDate(found.committer?.date),
});

/**
 * A repository in CodeCommit. Beside the contract's errors TemporaryFault, and the service's own for a repository that
 * is not there or not allowed. https://docs.aws.amazon.com/codecommit/latest/APIReference/Welcome.html
 */
export const codeCommitSource = ({ client, repository }: Needs): Source => {
  const repositoryName = repository;
  const notFound = (revision: string, cause?: unknown) =>
    new CommitNotFound(`There is no commit ${JSON.stringify(revision)} in ${repository}.`, { cause });

  const byId = async (id: string): Promise<Found | undefined> => {
    try {
      const { commit } = await awsCall("CodeCommit GetCommit", () =>
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
      const { branch } = await awsCall("CodeCommit GetBranch", () =>
        client.send(new GetBranchCommand({ repositoryName, branchName })),
      );
      return branch?.commitId;
    } catch (error) {
      if (error instanceof BranchDoesNotExistException || error instanceof InvalidBranchNameException)
        return undefined;
      throw error;
    }
  };

  const abbreviated = async (start: string): Promise<Found | undefined> => {
    const { repositoryMetadata } = await awsCall("CodeCommit GetRepository", () =>
      client.send(new GetRepositoryCommand({ repositoryName })),
    );
    const tip = repositoryMetadata?.defaultBranch && (await branchTip(repositoryMetadata.defaultBranch));
    const seen = new Set<string>();
    let wanted = tip ? [tip] : [];
    while (wanted.length > 0 && seen.size < longestWalk) {
      const ids = wanted.slice(0, batch);
      for (const id of ids) seen.add(id);
      const { commits = [] } = await awsCall("CodeCommit BatchGetCommits", () =>
        client.send(new BatchGetCommitsCommand({ repositoryName, commitIds: ids })),
      );
      const found = commits.find(({ commitId }) => commitId?.startsWith(start));
      if (found) return found;
      const parents = commits.flatMap(({ parents }) => parents ?? []).filter((id) => !seen.has(id));
      wanted = [...new Set([...wanted.slice(batch), ...parents])];
    }
    return undefined;
  };

  /** By a branch's name, or by the beginning of an id. */
  const named = async (revision: string): Promise<Found | undefined> => {
    const tip = await branchTip(revision);
    if (tip !== undefined) return byId(tip);
    return /^[0-9a-f]{7,39}$/.test(revision) ? abbreviated(revision) : undefined;
  };

  const resolve = async (revision: string): Promise<Found> => {
    if (!isRevision(revision)) throw notFound(revision);
    const found = /^[0-9a-f]{40}$/.test(revision) ? await byId(revision) : await named(revision);
    if (!found?.commitId) throw notFound(revision);
    return found;
  };
  const idOf = async (revision: string): Promise<string> => (await resolve(revision)).commitId ?? "";

  const folder = async (commit: string, path: string): Promise<GetFolderCommandOutput | undefined> => {
    try {
      return await awsCall("CodeCommit GetFolder", () =>
        client.send(new GetFolderCommand({ repositoryName, commitSpecifier: commit, folderPath: path })),
      );
    } catch (error) {
      if (error instanceof FolderDoesNotExistException) return undefined;
      throw error;
    }
  };

  const blob = async (blobId: string, path: string): Promise<Uint8Array> => {
    try {
      const { content } = await awsCall("CodeCommit GetBlob", () =>
        client.send(new GetBlobCommand({ repositoryName, blobId })),
      );
      return content ?? new Uint8Array();
    } catch (error) {
      if (!(error instanceof FileTooLargeException)) throw error;
      throw new ModelFilesRefused(
        `${path} is larger than CodeCommit gives out: name it by its address and sha256 in model.yaml.`,
        { cause: error },
      );
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

  const read = new Map<string, Found>();
  const byIds = async (ids: readonly string[]): Promise<readonly Found[]> => {
    if (read.size > knownLimit) read.clear();
    const unread = ids.filter((id) => !read.has(id));
    for (let start = 0; start < unread.length; start += batch) {
      const { commits = [] } = await awsCall("CodeCommit BatchGetCommits", () =>
        client.send(
          new BatchGetCommitsCommand({ repositoryName, commitIds: unread.slice(start, start + batch) }),
        ),
      );
      for (const commit of commits) read.set(commit.commitId ?? "", commit);
    }
    return ids.flatMap((id) => read.get(id) ?? []);
  };

  /**
   * The commits that `head` has and none of `without`: newest first, and only as deep as one of them is left that may be
   * another's. A forged date can only make the list longer.
   */
  const walk = async (
    head: Found,
    without: readonly Found[],
  ): Promise<{ commits: Found[]; complete: boolean }> => {
    const known = new Map<string, Found>();
    const excluded = new Set<string>();
    const walked = new Set<string>();
    const waiting = new Set<string>();
    const meet = (commit: Found, isExcluded: boolean) => {
      const id = commit.commitId ?? "";
      known.set(id, commit);
      if (isExcluded) exclude(id);
      if (!walked.has(id)) waiting.add(id);
    };
    /** Also what was walked before it was known to be another's. */
    const exclude = (id: string) => {
      for (const ids = [id]; ids.length > 0; ) {
        const next = ids.pop() ?? "";
        if (excluded.has(next)) continue;
        excluded.add(next);
        if (walked.has(next)) ids.push(...(known.get(next)?.parents ?? []));
      }
    };
    const seconds = (id: string) => Number((known.get(id)?.committer?.date ?? "0").split(" ")[0]);
    meet(head, false);
    for (const commit of without) meet(commit, true);
    const own = () => [...walked].filter((id) => !excluded.has(id));
    let mine = 0;
    /** Of another's commits, those that are no older than one found may still reach it: dates of one second are common. */
    const isOpen = (): boolean => {
      const ids = [...waiting];
      if (ids.some((id) => !excluded.has(id))) return true;
      const oldest = own().reduce((least, id) => Math.min(least, seconds(id)), Number.POSITIVE_INFINITY);
      return ids.some((id) => seconds(id) >= oldest);
    };
    while (isOpen()) {
      const [id = ""] = [...waiting].toSorted((a, b) => seconds(b) - seconds(a));
      waiting.delete(id);
      walked.add(id);
      if (!excluded.has(id) && ++mine > historyLimit)
        return {
          commits: own()
            .slice(0, historyLimit)
            .flatMap((one) => known.get(one) ?? []),
          complete: false,
        };
      const parents = known.get(id)?.parents ?? [];
      const unseen = parents.filter((parent) => !known.has(parent));
      for (const commit of await byIds(unseen)) known.set(commit.commitId ?? "", commit);
      for (const parent of parents) {
        const commit = known.get(parent);
        if (commit) meet(commit, excluded.has(id));
      }
    }
    return { commits: own().flatMap((one) => known.get(one) ?? []), complete: true };
  };

  const differences = (before: string | undefined, after: string): Promise<Map<string, Difference>> =>
    awsCall("CodeCommit GetDifferences", async () => {
      const fileOf = (blob: BlobMetadata | undefined): File | null =>
        blob ? { mode: blob.mode ?? "", blob: blob.blobId ?? "" } : null;
      const found = new Map<string, Difference>();
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

  /** A file that went and one that came with the same content is a rename. */
  const changesBetween = async (before: string | undefined, after: string): Promise<PathChange[]> => {
    const found = await differences(before, after);
    const gone = new Map<string, string>();
    for (const [path, one] of found) if (one.before && !one.after) gone.set(one.before.blob, path);
    return [...found].map(([path, one]) => {
      const from = one.after && !one.before ? gone.get(one.after.blob) : undefined;
      return from === undefined ? { path } : { path, from };
    });
  };

  /** The best commit that both have; undefined: they have none, or several (each merged the other before). */
  const mergeBase = async (ours: Found, theirs: Found): Promise<Found | undefined> => {
    /** What one has and the other has not, undefined: too many; and the commits before those, which both have. */
    const beside = async (one: Found, other: Found) => {
      const { commits, complete } = await walk(one, [other]);
      const own = new Set(commits.map(({ commitId }) => commitId));
      const shared = commits.flatMap(({ parents }) => parents ?? []).filter((id) => !own.has(id));
      return complete ? { isEmpty: commits.length === 0, shared: [...new Set(shared)] } : undefined;
    };
    const found = await beside(ours, theirs);
    if (!found || found.isEmpty) return found && ours;
    if (found.shared.length > mostBases) return undefined;
    const bases = await byIds(found.shared);
    const best: Found[] = [];
    for (const base of bases) {
      const others = bases.filter((other) => other !== base);
      const inside = await Promise.all(others.map((other) => beside(base, other)));
      if (inside.every((one) => one && !one.isEmpty)) best.push(base);
    }
    return best.length === 1 ? best[0] : undefined;
  };

  const changesOf = async ({ commitId = "", parents = [] }: Found): Promise<readonly PathChange[]> => {
    const changes: PathChange[] = [];
    for (const parent of parents.length === 0 ? [undefined] : parents)
      changes.push(...(await changesBetween(parent, commitId)));
    return changes;
  };

  const toHistory = async (found: Found, isRead: boolean): Promise<HistoryCommit> => {
    const changes = isRead ? await changesOf(found) : "elsewhere";
    return {
      id: found.commitId ?? "",
      parents: found.parents ?? [],
      author: { name: found.author?.name ?? "", email: found.author?.email ?? "" },
      committer: { name: found.committer?.name ?? "", email: found.committer?.email ?? "" },
      coAuthors: coAuthors(found.message ?? ""),
      changes,
      signature: { by: "nobody" },
      authorAccount: null,
    };
  };

  return {
    /**
     * CodeCommit vouches for nobody's commits, and keeps no record of who moved a branch: EventBridge tells of it once. It
     * has no list of commits by path, so where any path matters the changes of all are read.
     */
    async history(head, without, about) {
      const to = await resolve(head);
      const { commits, complete } = await walk(to, await Promise.all(without.map(resolve)));
      const history: HistoryCommit[] = [];
      for (let start = 0; start < commits.length; start += together)
        history.push(
          ...(await Promise.all(
            commits.slice(start, start + together).map((one) => toHistory(one, about?.length !== 0)),
          )),
        );
      return { commits: history, updates: [], branches: "told", complete };
    },

    /**
     * CodeCommit itself merges again only by writing (CreateUnreferencedMergeCommit): the merge is made again from what
     * its parents differ in.
     */
    async isCleanMerge(commit) {
      const found = await resolve(commit);
      const [ours, theirs, ...others] = await Promise.all((found.parents ?? []).map(resolve));
      if (!ours || !theirs || others.length > 0) return false;
      const base = await mergeBase(ours, theirs);
      if (!base) return false;
      const [mine, other, merged] = await Promise.all(
        [ours, theirs, found].map(({ commitId = "" }) => differences(base.commitId, commitId)),
      );
      if (!mine || !other || !merged) return false;
      const read = async (file: File): Promise<Uint8Array | undefined> => {
        try {
          return await blob(file.blob, file.blob);
        } catch (error) {
          if (error instanceof ModelFilesRefused) return undefined;
          throw error;
        }
      };
      return isMergeOf({ ours: mine, theirs: other, merged, read });
    },

    commit: async (revision) => toCommit(await resolve(revision)),

    async changedPaths(before, after) {
      const afterCommitSpecifier = await idOf(after);
      const beforeCommitSpecifier = before === undefined ? undefined : await idOf(before);
      const found = await differences(beforeCommitSpecifier, afterCommitSpecifier).catch((error: unknown) => {
        throw error instanceof CommitDoesNotExistException ? notFound(before ?? after, error) : error;
      });
      return [...found.keys()];
    },

    async linkDiff(before, after) {
      const region = await client.config.region();
      const name = encodeURIComponent(repositoryName);
      return {
        kind: "page",
        url: `https://${region}.console.aws.amazon.com/codesuite/codecommit/repositories/${name}/compare/${before}/.../${after}?region=${region}`,
      };
    },

    async models(commit) {
      const found = await folder(await idOf(commit), "models");
      return (found?.subFolders ?? []).flatMap(({ relativePath }) => relativePath ?? []);
    },

    async modelFiles(model, commit) {
      const id = await idOf(commit);
      if (model.includes("/") || !isInside(model)) return new Map();
      const root = `models/${model}`;
      const files = await filesBelow(model, id, root);
      const read = new Map<string, Uint8Array>();
      let total = 0;
      for (let start = 0; start < files.length; start += together) {
        const some = files.slice(start, start + together);
        const contents = await Promise.all(some.map(([path, id]) => blob(id, path)));
        for (const [index, [path]] of some.entries()) {
          const bytes = contents[index] ?? new Uint8Array();
          total += bytes.byteLength;
          read.set(path.slice(root.length + 1), bytes);
        }
        refuseTooMuch(model, total);
      }
      return read;
    },

    async file(path, commit) {
      const id = await idOf(commit);
      if (!isInside(path)) return undefined;
      const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "/";
      const found = (await folder(id, parent))?.files?.find(({ absolutePath }) => absolutePath === path);
      return found?.blobId === undefined ? undefined : blob(found.blobId, path);
    },
  };
};
