import type { Commit as Found } from "@aws-sdk/client-codecommit";
import pMap from "p-map";
import { type CodeCommitReader, codeCommitConcurrency } from "./codecommit-reader.ts";
import { parseCoAuthors } from "./parse-co-authors.ts";
import type { CommitHistory, HistoryCommit, PathChange } from "./source.ts";
import { type TreeFile, verifyMerge } from "./verify-merge.ts";

/**
 * The most commits that a history gives. Each is found by a call after the call that found its child, and its changes are
 * a call of their own, 8 side by side: at 50 ms a call about 115 seconds, of the 300 that a step has.
 */
const historyLimit = 2_000;
/** The most that are read for them, one after another: others' commits, too, are walked until they are older. */
const walkLimit = 4_000;
/** The most commits that are compared for the best one before a merge's parents. */
const maxMergeBases = 8;

/** Who made what in a repository in CodeCommit, by its commits alone. */
export const createCodeCommitHistory = ({
  resolve,
  blob,
  byIds,
  differences,
}: CodeCommitReader): CommitHistory => {
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
      if ((!excluded.has(id) && ++mine > historyLimit) || walked.size > walkLimit)
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
    if (found.shared.length > maxMergeBases) return undefined;
    const bases = await byIds(found.shared);
    const best: Found[] = [];
    for (const base of bases) {
      const others = bases.filter((other) => other !== base);
      const inside = await Promise.all(others.map((other) => beside(base, other)));
      if (inside.every((one) => one && !one.isEmpty)) best.push(base);
    }
    const [only, ...more] = best;
    if (!only || more.length > 0) return undefined;
    // A forged date may have hidden a better one. Walks can only be too long: where they share nothing there is none.
    const sides = [await walk(ours, [only]), await walk(theirs, [only])];
    const [one, other] = sides.map(({ commits }) => new Set(commits.map(({ commitId }) => commitId)));
    const isApart =
      sides.every(({ complete }) => complete) && [...(one ?? [])].every((id) => !other?.has(id));
    return isApart ? only : undefined;
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
      coAuthors: parseCoAuthors(found.message ?? ""),
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
      const isRead = about?.length !== 0;
      const history = await pMap(commits, (one) => toHistory(one, isRead), {
        concurrency: codeCommitConcurrency,
      });
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
      const read = (file: TreeFile) => blob(file.blob, file.blob);
      return verifyMerge({ ours: mine, theirs: other, merged, read });
    },
  };
};
