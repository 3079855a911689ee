import pMap from "p-map";
import * as z from "zod";
import type { HistoryCommit, PathChange } from "#platform/source/source.ts";
import { type GitHubClient, gitHubConcurrency, pageSize } from "./github-client.ts";
import { CommitFiles, Comparison, ListedCommit } from "./response-schemas.ts";
import { toHistoryCommit } from "./to-history-commit.ts";

/** Newest first. `complete`: false if there are more commits than the limit. */
export type CommitList = { readonly commits: readonly ListedCommit[]; readonly complete: boolean };

/** GitHub's largest page of one commit's files. */
const filesLimit = 300;

/** Reads lists of commits, and what each commit changes. */
export const createCommitReader = ({ readJson, resolveCommit, compareTrees }: GitHubClient) => {
  /**
   * A merge's changes are relative to each parent: GitHub itself compares only with the first one.
   * https://docs.github.com/en/rest/commits/commits#get-a-commit
   */
  const readChangedPaths = async ({ sha, parents, commit }: ListedCommit): Promise<readonly PathChange[]> => {
    if (parents.length <= 1) {
      const { files } = await readJson(`commits/${sha}?per_page=${filesLimit}`, CommitFiles);
      // Only if one page has all files; otherwise, the trees are compared.
      if (files.length < filesLimit)
        return files.flatMap(({ filename, previous_filename: from }) =>
          from === undefined ? [{ path: filename }] : [{ path: filename, from }, { path: from }],
        );
    }
    const parentIds = parents.length === 0 ? [undefined] : parents.map((parent) => parent.sha);
    const paths = new Set<string>();
    for (const parentId of parentIds) {
      const before = parentId === undefined ? undefined : (await resolveCommit(parentId)).commit.tree.sha;
      for (const path of (await compareTrees(before, commit.tree.sha)).keys()) paths.add(path);
    }
    return [...paths].map((path) => ({ path }));
  };

  const readChanges = (commits: readonly ListedCommit[]): Promise<(readonly PathChange[])[]> =>
    pMap(commits, readChangedPaths, { concurrency: gitHubConcurrency });

  /** Adds its changes to each commit. */
  const addChanges = async (commits: readonly ListedCommit[]): Promise<HistoryCommit[]> => {
    const changes = await readChanges(commits);
    return commits.map((commit, index) => toHistoryCommit(commit, changes[index] ?? []));
  };

  /**
   * The commits that `head` has and `base` lacks. GitHub lists the oldest first, so above the limit only the last pages
   * are read. https://docs.github.com/en/rest/commits/commits#compare-two-commits
   */
  const readCommitsSince = async (base: string, head: string, limit: number): Promise<CommitList> => {
    const readPage = (page: number) =>
      readJson(`compare/${base}...${head}?per_page=${pageSize}&page=${page}`, Comparison);
    const first = await readPage(1);
    const complete = first.total_commits <= limit;
    const start = complete ? 2 : Math.max(2, Math.floor((first.total_commits - limit) / pageSize) + 1);
    const commits = start === 2 ? [...first.commits] : [];
    for (let page = start; (page - 1) * pageSize < first.total_commits; page++)
      commits.push(...(await readPage(page)).commits);
    return { commits: commits.toReversed().slice(0, limit), complete };
  };

  /** All commits that `head` reaches. https://docs.github.com/en/rest/commits/commits#list-commits */
  const readAllCommits = async (head: string, limit: number): Promise<CommitList> => {
    const commits: ListedCommit[] = [];
    for (let page = 1; commits.length <= limit; page++) {
      const query = `per_page=${pageSize}&page=${page}`;
      const listed = await readJson(`commits?sha=${head}&${query}`, z.array(ListedCommit));
      commits.push(...listed);
      if (listed.length < pageSize) return { commits, complete: commits.length <= limit };
    }
    return { commits: commits.slice(0, limit), complete: false };
  };

  return { readChanges, addChanges, readCommitsSince, readAllCommits };
};
export type CommitReader = ReturnType<typeof createCommitReader>;
