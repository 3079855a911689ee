import * as z from "zod";
import { CommitNotFound } from "#platform/source/source.ts";
import { type TreeFile, verifyMerge } from "#platform/source/verify-merge.ts";
import type { CommitReader } from "./commit-reader.ts";
import { callLimitMs, type GitHubClient, GitHubRefused, gitHubMediaType, pageSize } from "./github-client.ts";
import { MergeBase, type ResolvedCommit, type TreeEntry } from "./response-schemas.ts";

type Needs = { readonly client: GitHubClient; readonly commitReader: CommitReader };

/** The largest number of calls to recompute merges, for one head. */
const mergeCallsLimit = 1_000;
/** The largest number of commits on one side of a recomputed merge. */
const mergeSideLimit = 300;

/** Recomputes merges. Its cache and its count of calls last until `clearCache`, which belongs to the next head. */
export const createCleanMergeChecker = ({ client, commitReader }: Needs) => {
  const { getResponse, toRefusal, parseJson, resolveCommit, readTree, readBlob, compareTrees } = client;
  const trees = new Map<string, Promise<readonly TreeEntry[]>>();
  const results = new Map<string, boolean>();
  let callCount = 0;

  const clearCache = (): void => {
    trees.clear();
    results.clear();
    callCount = 0;
  };

  const countCall = <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (++callCount > mergeCallsLimit)
      throw new GitHubRefused(`over ${mergeCallsLimit} calls to recompute merges`);
    return call();
  };

  const readTreeOnce = (sha: string): Promise<readonly TreeEntry[]> => {
    const cached = trees.get(sha);
    if (cached) return cached;
    const entries = countCall(() => readTree(sha));
    trees.set(sha, entries);
    entries.catch(() => trees.delete(sha));
    return entries;
  };

  /** The commits on one side of a merge since `base`; undefined if they are too many. */
  const readSide = async (base: string, head: string): Promise<ReadonlySet<string> | undefined> => {
    if (base === head) return new Set();
    callCount += Math.ceil(mergeSideLimit / pageSize);
    const { commits, complete } = await commitReader.readCommitsSince(base, head, mergeSideLimit);
    return complete ? new Set(commits.map(({ sha }) => sha)) : undefined;
  };

  /**
   * Recomputes the merge from the trees, because GitHub can only merge into a branch.
   * https://docs.github.com/en/rest/commits/commits#compare-two-commits
   */
  const recomputeMerge = async ({ parents, commit }: ResolvedCommit): Promise<boolean> => {
    const [ours, theirs, ...others] = parents.map(({ sha }) => sha);
    if (ours === undefined || theirs === undefined || others.length > 0) return false;
    const path = `compare/${ours}...${theirs}?per_page=1`;
    const response = await countCall(() => getResponse(path, gitHubMediaType, callLimitMs));
    // Histories without a common commit, or too large for GitHub's comparison.
    if (response.status === 404 || response.status === 422) return false;
    if (!response.ok) throw await toRefusal(path, response);
    const { merge_base_commit: base } = await parseJson(path, response, MergeBase);
    // GitHub returns one of several merge bases. If it is the only best one, the sides share no commit since it.
    const [ourSide, theirSide] = [await readSide(base.sha, ours), await readSide(base.sha, theirs)];
    if (!ourSide || !theirSide || [...ourSide].some((id) => theirSide.has(id))) return false;
    const [baseTree, ...sideTrees] = await Promise.all(
      [base.sha, ours, theirs].map(async (id) => (await countCall(() => resolveCommit(id))).commit.tree.sha),
    );
    const [ourChanges, theirChanges, mergeChanges] = await Promise.all(
      [...sideTrees, commit.tree.sha].map((tree) => compareTrees(baseTree, tree, readTreeOnce)),
    );
    if (!ourChanges || !theirChanges || !mergeChanges) return false;
    const read = ({ blob: sha }: TreeFile) => countCall(() => readBlob({ sha, path: sha }));
    return verifyMerge({ ours: ourChanges, theirs: theirChanges, merged: mergeChanges, read });
  };

  /** Whether a merge contains only what the merge of its parents gives; false if that is not certain. */
  const isCleanMerge = async (revision: string): Promise<boolean> => {
    const merge = await resolveCommit(revision);
    const cached = results.get(merge.sha);
    if (cached !== undefined) return cached;
    const isClean = await recomputeMerge(merge).catch((error: unknown) => {
      const uncertain = [GitHubRefused, CommitNotFound, z.ZodError];
      if (uncertain.some((kind) => error instanceof kind)) return false;
      throw error;
    });
    results.set(merge.sha, isClean);
    return isClean;
  };

  return { isCleanMerge, clearCache };
};
