import { createActivityReader } from "./github/activity-reader.ts";
import { createCleanMergeChecker } from "./github/clean-merge-checker.ts";
import { type CommitList, createCommitReader } from "./github/commit-reader.ts";
import type { GitHubClient } from "./github/github-client.ts";
import { createHeadCache, type HeadCache } from "./github/head-cache.ts";
import { createObjectIdReader } from "./github/object-id-reader.ts";
import { createPathChangeReader } from "./github/path-change-reader.ts";
import { createPullRequestReader } from "./github/pull-request-reader.ts";
import { createRefUpdateReader } from "./github/ref-update-reader.ts";
import type { ListedCommit } from "./github/response-schemas.ts";
import { toHistoryCommit, toNode } from "./github/to-history-commit.ts";
import type { CommitHistory, History, HistoryCommit, MergedPullRequest, PathChange } from "./source.ts";

/** The largest number of commits in a history. */
const historyLimit = 5_000;
/** The largest number of commits whose changes are read: each needs a call, and GitHub allows 5,000 per hour. */
const changesLimit = 500;

const listPullRequestCommits = ({ commits, merges }: MergedPullRequest): readonly HistoryCommit[] => [
  ...commits,
  ...merges.flatMap(listPullRequestCommits),
];

/**
 * The history of a repository on GitHub: its commits, its record of branch updates, and its pull requests.
 * https://docs.github.com/en/rest/repos/repos#list-repository-activities
 */
export const createGitHubHistory = (client: GitHubClient): CommitHistory => {
  const { resolveCommit } = client;
  const commitReader = createCommitReader(client);
  const activityReader = createActivityReader(client);
  const pullRequestReader = createPullRequestReader({ client, commitReader, activityReader });
  const { readRefUpdates } = createRefUpdateReader({ client, activityReader, pullRequestReader });
  const { isCleanMerge, clearCache } = createCleanMergeChecker({ client, commitReader });
  const readObjectIds = createObjectIdReader(client);

  let cache: HeadCache | undefined;
  /** Keeps the cached responses of one head only. */
  const selectCache = (head: string): HeadCache => {
    if (cache?.head !== head) {
      cache = createHeadCache(head);
      clearCache();
    }
    return cache;
  };

  /** Reads changes only of commits that touch these paths; undefined if these are too many or unknown. */
  const readHistoryOfPaths = async (
    commits: readonly ListedCommit[],
    paths: readonly string[],
    base: string | undefined,
    headCache: HeadCache,
  ): Promise<Omit<History, "complete"> | undefined> => {
    const addChanges = (changes: ReadonlyMap<string, readonly PathChange[]>) =>
      commits.map((commit) => toHistoryCommit(commit, changes.get(commit.sha) ?? "elsewhere"));
    if (paths.length === 0) return { commits: addChanges(new Map()), updates: [], branches: "unknown" };
    const { readChanges } = commitReader;
    const readPathChanges = createPathChangeReader({
      commits,
      toNode,
      readObjectIds,
      readChanges,
      limit: changesLimit,
    });
    for (let changes = await readPathChanges(paths); changes !== undefined; ) {
      const sizeBefore = changes.size;
      const touching = changes;
      const record = await readRefUpdates(commits, (id) => touching.has(id), base, headCache);
      const updates = [...record.updates, ...(typeof record.branches === "string" ? [] : record.branches)];
      // A squash commit does not show the moves of its pull request's commits.
      changes = await readPathChanges(
        [],
        updates.flatMap(({ merged }) => (merged ? listPullRequestCommits(merged) : [])),
      );
      if (changes?.size === sizeBefore) return { commits: addChanges(changes), ...record };
    }
    return undefined;
  };

  return {
    async history(head, without, about) {
      const limit = about === undefined ? changesLimit : historyLimit;
      const headId = (await resolveCommit(head)).sha;
      const bases = await Promise.all(without.map(async (revision) => (await resolveCommit(revision)).sha));
      const [base, ...otherBases] = bases;
      const list =
        base === undefined
          ? await commitReader.readAllCommits(headId, limit)
          : await commitReader.readCommitsSince(base, headId, limit);
      const otherLists: CommitList[] = [];
      for (const otherBase of otherBases)
        otherLists.push(await commitReader.readCommitsSince(otherBase, headId, limit));
      const commits = list.commits.filter(({ sha }) =>
        otherLists.every((other) => !other.complete || other.commits.some((commit) => commit.sha === sha)),
      );
      const complete = [list, ...otherLists].every((part) => part.complete);
      const headCache = selectCache(headId);
      const isByPaths = about !== undefined && (about.length === 0 || commits.length > changesLimit);
      const history = isByPaths ? await readHistoryOfPaths(commits, about, base, headCache) : undefined;
      if (history) return { ...history, complete };
      const newest = commits.slice(0, changesLimit);
      const record = await readRefUpdates(newest, "all", base, headCache);
      const isWhole = newest.length === commits.length;
      return {
        commits: await commitReader.addChanges(newest),
        ...record,
        complete: complete && isWhole,
      };
    },

    isCleanMerge,
  };
};
