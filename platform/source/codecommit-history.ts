import type { Commit } from "@aws-sdk/client-codecommit";
import pMap from "p-map";
import { type CodeCommitReader, codeCommitConcurrency } from "./codecommit-reader.ts";
import { parseCoAuthors } from "./parse-co-authors.ts";
import type { CommitHistory, HistoryCommit, PathChange } from "./source.ts";
import { type TreeFile, verifyMerge } from "./verify-merge.ts";

/**
 * The largest number of commits in a history. Each needs a call after its child's call, and its changes need another
 * one, 8 at a time: at 50 ms a call about 115 seconds, of the 300 that a step has.
 */
const historyLimit = 2_000;
/** The largest number of commits that are read for them, one after another: it includes excluded commits. */
const walkLimit = 4_000;
/** The largest number of commits that are compared to find a merge's base. */
const maxMergeBases = 8;

/** Who made what in a repository in CodeCommit, from its commits alone. */
export const createCodeCommitHistory = ({
  resolve,
  blob,
  byIds,
  differences,
}: CodeCommitReader): CommitHistory => {
  /**
   * The commits that `head` has and none of `without` has, newest first. The walk ends when none of them can still
   * prove to be excluded. A forged date can only make the list longer.
   */
  const walk = async (
    head: Commit,
    without: readonly Commit[],
  ): Promise<{ commits: Commit[]; complete: boolean }> => {
    const known = new Map<string, Commit>();
    const excluded = new Set<string>();
    const walked = new Set<string>();
    const waiting = new Set<string>();
    const meet = (commit: Commit, isExcluded: boolean) => {
      const id = commit.commitId ?? "";
      known.set(id, commit);
      if (isExcluded) exclude(id);
      if (!walked.has(id)) waiting.add(id);
    };
    /** Also excludes commits that were walked before. */
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
    /** Excluded commits that are no older than a commit of the list may still reach it: equal seconds are common. */
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
      if ((!excluded.has(id) && ++mine > historyLimit) || walked.size > walkLimit)
        return {
          commits: own()
            .slice(0, historyLimit)
            .flatMap((id) => known.get(id) ?? []),
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
    return { commits: own().flatMap((id) => known.get(id) ?? []), complete: true };
  };

  /** A file that disappeared and one that appeared with the same content are a rename. */
  const changesBetween = async (before: string | undefined, after: string): Promise<PathChange[]> => {
    const paths = await differences(before, after);
    const gone = new Map<string, string>();
    for (const [path, pair] of paths) if (pair.before && !pair.after) gone.set(pair.before.blob, path);
    return [...paths].map(([path, pair]) => {
      const from = pair.after && !pair.before ? gone.get(pair.after.blob) : undefined;
      return from === undefined ? { path } : { path, from };
    });
  };

  /** The best common commit; undefined if there is none or several (each merged the other before). */
  const mergeBase = async (ours: Commit, theirs: Commit): Promise<Commit | undefined> => {
    /** Whether `from` has commits that `other` lacks, and the common commits before those; undefined: too many. */
    const compareWith = async (from: Commit, other: Commit) => {
      const { commits, complete } = await walk(from, [other]);
      const own = new Set(commits.map(({ commitId }) => commitId));
      const shared = commits.flatMap(({ parents }) => parents ?? []).filter((id) => !own.has(id));
      return complete ? { isEmpty: commits.length === 0, shared: [...new Set(shared)] } : undefined;
    };
    const comparison = await compareWith(ours, theirs);
    if (!comparison || comparison.isEmpty) return comparison && ours;
    if (comparison.shared.length > maxMergeBases) return undefined;
    const bases = await byIds(comparison.shared);
    const best: Commit[] = [];
    for (const base of bases) {
      const others = bases.filter((other) => other !== base);
      const comparisons = await Promise.all(others.map((other) => compareWith(base, other)));
      if (comparisons.every((result) => result && !result.isEmpty)) best.push(base);
    }
    const [only, ...more] = best;
    if (!only || more.length > 0) return undefined;
    // A forged date may have hidden a better one. Walks can only be too long: if they share nothing, there is none.
    const sides = [await walk(ours, [only]), await walk(theirs, [only])];
    const [one, other] = sides.map(({ commits }) => new Set(commits.map(({ commitId }) => commitId)));
    const isApart =
      sides.every(({ complete }) => complete) && [...(one ?? [])].every((id) => !other?.has(id));
    return isApart ? only : undefined;
  };

  const changesOf = async ({ commitId = "", parents = [] }: Commit): Promise<readonly PathChange[]> => {
    const changes: PathChange[] = [];
    for (const parent of parents.length === 0 ? [undefined] : parents)
      changes.push(...(await changesBetween(parent, commitId)));
    return changes;
  };

  const toHistory = async (commit: Commit, isRead: boolean): Promise<HistoryCommit> => {
    const changes = isRead ? await changesOf(commit) : "elsewhere";
    return {
      id: commit.commitId ?? "",
      parents: commit.parents ?? [],
      author: { name: commit.author?.name ?? "", email: commit.author?.email ?? "" },
      committer: { name: commit.committer?.name ?? "", email: commit.committer?.email ?? "" },
      coAuthors: parseCoAuthors(commit.message ?? ""),
      changes,
      signature: { by: "nobody" },
      authorAccount: null,
    };
  };

  return {
    /**
     * CodeCommit authenticates no commits, and keeps no record of who moved a branch: EventBridge reports that once. It
     * has no list of commits by path, so if any path matters, all changes are read.
     */
    async history(head, without, about) {
      const to = await resolve(head);
      const { commits, complete } = await walk(to, await Promise.all(without.map(resolve)));
      const isRead = about?.length !== 0;
      const history = await pMap(commits, (commit) => toHistory(commit, isRead), {
        concurrency: codeCommitConcurrency,
      });
      return { commits: history, updates: [], branches: "told", complete };
    },

    /**
     * CodeCommit can merge only by writing (CreateUnreferencedMergeCommit), so the merge is recomputed from the
     * differences of its parents.
     */
    async isCleanMerge(commit) {
      const merge = await resolve(commit);
      const [ours, theirs, ...others] = await Promise.all((merge.parents ?? []).map(resolve));
      if (!ours || !theirs || others.length > 0) return false;
      const base = await mergeBase(ours, theirs);
      if (!base) return false;
      const [mine, other, merged] = await Promise.all(
        [ours, theirs, merge].map(({ commitId = "" }) => differences(base.commitId, commitId)),
      );
      if (!mine || !other || !merged) return false;
      const read = (file: TreeFile) => blob(file.blob, file.blob);
      return verifyMerge({ ours: mine, theirs: other, merged, read });
    },
  };
};
