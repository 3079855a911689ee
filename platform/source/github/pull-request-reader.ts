import * as z from "zod";
import { findFirstUpdates, findReachableCommits, type MergedPullRequest } from "#platform/source/source.ts";
import { type ActivityReader, isMerge } from "./activity-reader.ts";
import type { CommitReader } from "./commit-reader.ts";
import { type GitHubClient, pageSize } from "./github-client.ts";
import type { HeadCache } from "./head-cache.ts";
import { type Activity, ListedCommit, PullRequest } from "./response-schemas.ts";
import { toLogin, toNode, toSignature } from "./to-history-commit.ts";

type Needs = {
  readonly client: GitHubClient;
  readonly commitReader: CommitReader;
  readonly activityReader: ActivityReader;
};

/** GitHub lists at most this many commits of a pull request. https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request */
const pullRequestCommitsLimit = 250;
/** The largest number of pull requests that are looked up for one head; each needs several calls. */
const pullRequestsLimit = 100;
/**
 * If the record of all branches is only read in part, it must reach back this long before a branch's creation. Then
 * commits that no other branch had in that time count as pushed with the creation.
 */
const lookBackMs = 30 * 86_400_000;

const isCreation = ({ activity_type: type }: Activity): boolean => type === "branch_creation";

/** A merge of an unknown pull request: only the person who pressed the button is known. */
export const toUnknownPullRequest = ({ after, actor }: Activity): MergedPullRequest => ({
  name: `what was merged as ${after.slice(0, 12)}`,
  commits: [],
  by: [toLogin(actor), null],
  merges: [],
  isWhole: false,
});

/** Reads pull requests that were merged on GitHub's pages, with everyone who pushed to them. */
export const createPullRequestReader = ({ client, commitReader, activityReader }: Needs) => {
  const { repository, readJson } = client;

  /** The updates of a pull request's branch from its head back to its creation; undefined: GitHub has no such record. */
  const readBranchUpdates = async ({ head }: PullRequest) => {
    if (head.repo === null) return undefined;
    const fullName = head.repo.full_name;
    const { activities } = await activityReader.readActivities(fullName, head.ref, (found) =>
      found.some(isCreation),
    );
    const start = activities.findIndex(({ after }) => after === head.sha);
    const end = activities.findIndex((activity, index) => index >= start && isCreation(activity));
    const creation = activities[end];
    if (start === -1 || creation === undefined) return undefined;
    return { fullName, creation, updates: activities.slice(start, end + 1) };
  };

  /**
   * Everyone who pushed to a pull request's branch from its creation to its merge, and everyone who first pushed its
   * commits to any branch: the record of a branch that was created from another one, or restored, does not name the
   * pushers of its initial commits. Commits that were merged on GitHub's pages come from that pull request.
   */
  const readPushers = async (
    pullRequest: PullRequest,
    commits: readonly ListedCommit[],
    cache: HeadCache,
  ): Promise<Pick<MergedPullRequest, "by" | "merges">> => {
    const branch = await readBranchUpdates(pullRequest);
    if (branch === undefined) return { by: [null], merges: [] };
    const { fullName, creation, updates } = branch;
    const pushers = updates.filter((update) => !isMerge(update)).map(({ actor }) => toLogin(actor));
    const nodes = commits.map(toNode);
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const unsigned = commits.filter((commit) => toSignature(commit).by !== "account").map(({ sha }) => sha);
    if (unsigned.length === 0) return { by: pushers, merges: [] };

    const merges = new Map<string, MergedPullRequest>();
    const addMerge = async (repositoryName: string, update: Activity) => {
      merges.set(
        `${repositoryName}:${update.after}`,
        await readMergedPullRequest(repositoryName, update, cache),
      );
    };
    for (const update of updates)
      if (isMerge(update) && byId.has(update.after)) await addMerge(fullName, update);
    const firstPushers = new Set<string | null>();
    for (const repositoryName of new Set([fullName, repository])) {
      const { activities, isWhole } = await activityReader.readAllBranches(repositoryName, cache);
      const firstUpdates = findFirstUpdates(nodes, activities.toReversed());
      for (const id of unsigned) {
        const update = firstUpdates.get(id);
        if (update && isMerge(update)) await addMerge(repositoryName, update);
        else if (update !== undefined) firstPushers.add(update === null ? null : toLogin(update.actor));
      }
      if (repositoryName !== fullName || isWhole) continue;
      const oldest = Date.parse(activities.at(-1)?.timestamp ?? "");
      const reachesBack = oldest <= Date.parse(creation.timestamp) - lookBackMs;
      const created = findReachableCommits(creation.after, byId);
      // Another branch may have had them before the part of the record that was read.
      const isUncertain = (id: string) =>
        created.has(id) && (firstUpdates.get(id)?.after ?? creation.after) === creation.after;
      if (!reachesBack && unsigned.some(isUncertain)) firstPushers.add(null);
    }
    return {
      by: [...pushers, ...[...firstPushers].filter((login) => !pushers.includes(login))],
      merges: [...merges.values()],
    };
  };

  const readPullRequestCommits = async (number: number): Promise<readonly ListedCommit[]> => {
    const commits: ListedCommit[] = [];
    for (let page = 1; commits.length < pullRequestCommitsLimit; page++) {
      const path = `pulls/${number}/commits?per_page=${pageSize}&page=${page}`;
      const listed = await readJson(path, z.array(ListedCommit));
      commits.push(...listed);
      if (listed.length < pageSize) break;
    }
    return commits;
  };

  /** Undefined: GitHub does not name the pull request, or names several (a merge queue). */
  const findPullRequest = async (
    mergeCommit: string,
    cache: HeadCache,
  ): Promise<MergedPullRequest | undefined> => {
    const pullRequests = await readJson(
      `commits/${mergeCommit}/pulls?per_page=${pageSize}`,
      z.array(PullRequest),
    );
    const [pullRequest, ...others] = pullRequests.filter(
      ({ merged_at, merge_commit_sha }) => merged_at !== null && merge_commit_sha === mergeCommit,
    );
    if (pullRequest === undefined || others.length > 0) return undefined;
    const commits = await readPullRequestCommits(pullRequest.number);
    const { by, merges } = await readPushers(pullRequest, commits, cache);
    const isWhole = commits.length < pullRequestCommitsLimit;
    return {
      name: `pull request #${pullRequest.number}`,
      commits: await commitReader.addChanges(commits),
      by: [toLogin(pullRequest.user), ...by, ...(isWhole ? [] : [null])],
      merges,
      isWhole,
    };
  };

  /** The pull request whose merge on GitHub's pages moved a branch of a repository (`owner/name`). */
  const readMergedPullRequest = async (
    fullName: string,
    update: Activity,
    cache: HeadCache,
  ): Promise<MergedPullRequest> => {
    const { after } = update;
    const { pullRequests, openPullRequests } = cache;
    const cached = pullRequests.get(after);
    if (cached) return cached;
    // The token may be unable to read a fork's own pull requests.
    if (fullName !== repository || openPullRequests.has(after) || pullRequests.size >= pullRequestsLimit)
      return toUnknownPullRequest(update);
    openPullRequests.add(after);
    try {
      const pullRequest = (await findPullRequest(after, cache)) ?? toUnknownPullRequest(update);
      pullRequests.set(after, pullRequest);
      return pullRequest;
    } finally {
      openPullRequests.delete(after);
    }
  };

  return { readMergedPullRequest };
};
export type PullRequestReader = ReturnType<typeof createPullRequestReader>;
