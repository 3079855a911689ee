import {
  findFirstUpdates,
  findReachableCommits,
  type History,
  type MergedPullRequest,
  type RefUpdate,
} from "#platform/source/source.ts";
import { type ActivityReader, isMerge } from "./activity-reader.ts";
import type { GitHubClient } from "./github-client.ts";
import { type HeadCache, readRecordOnce } from "./head-cache.ts";
import { type PullRequestReader, toUnknownPullRequest } from "./pull-request-reader.ts";
import { type Activity, DefaultBranch, type ListedCommit } from "./response-schemas.ts";
import { toLogin, toNode } from "./to-history-commit.ts";

type Needs = {
  readonly client: GitHubClient;
  readonly activityReader: ActivityReader;
  readonly pullRequestReader: PullRequestReader;
};

const toRefUpdate = (
  { before, after, actor }: Activity,
  merged: MergedPullRequest | null = null,
): RefUpdate => ({
  before: /^0+$/.test(before) ? null : before,
  after,
  by: toLogin(actor),
  merged,
});

/** Reads who pushed or merged commits into this repository. */
export const createRefUpdateReader = ({ client, activityReader, pullRequestReader }: Needs) => {
  const { repository, readJson } = client;

  /** The pull request that an update merged; null: the update merged none. Only a relevant one is read. */
  const readMerged = async (
    activity: Activity,
    isRelevant: boolean,
    cache: HeadCache,
  ): Promise<MergedPullRequest | null> => {
    if (!isMerge(activity)) return null;
    if (!isRelevant) return toUnknownPullRequest(activity);
    return pullRequestReader.readMergedPullRequest(repository, activity, cache);
  };

  /** Updates of all branches, oldest first; reads a pull request only if its merge was the first to add one of these commits. */
  const readUpdatesOfAllBranches = async (
    commits: readonly ListedCommit[],
    isTouching: (id: string) => boolean,
    cache: HeadCache,
  ): Promise<RefUpdate[]> => {
    const record = await activityReader.readAllBranches(repository, cache);
    const activities = record.activities.toReversed();
    const relevant = new Set(
      [...findFirstUpdates(commits.map(toNode), activities)].flatMap(([id, activity]) =>
        isTouching(id) ? [activity] : [],
      ),
    );
    const updates: RefUpdate[] = [];
    for (const activity of activities)
      updates.push(toRefUpdate(activity, await readMerged(activity, relevant.has(activity), cache)));
    return updates;
  };

  /**
   * The record of who pushed or merged these commits. `isTouching` selects the commits whose pull requests are read,
   * because each pull request needs several calls and at most a hundred are read. `base`: the served commit.
   */
  const readRefUpdates = async (
    commits: readonly ListedCommit[],
    isTouching: ((id: string) => boolean) | "all",
    base: string | undefined,
    cache: HeadCache,
  ): Promise<Pick<History, "updates" | "branches">> => {
    if (commits.length === 0) return { updates: [], branches: "unknown" };
    const byId = new Map(commits.map(toNode).map((node) => [node.id, node]));
    const addsTouching = ({ before, after }: Activity): boolean => {
      if (isTouching === "all") return true;
      return [...findReachableCommits(after, byId, findReachableCommits(before, byId))].some(isTouching);
    };
    const { default_branch: branch } = await readJson("", DefaultBranch);
    const isBase = ({ after }: Activity) => after === base;
    const { activities } = await readRecordOnce(`${branch} since ${base}`, cache, () =>
      activityReader.readActivities(repository, branch, (found) => found.some(isBase)),
    );
    const updates: RefUpdate[] = [];
    // A merged pull request already names its pushers; reading the record of all branches takes up to 20 calls.
    let isPushed = false;
    for (const activity of activities) {
      if (!byId.has(activity.after)) {
        // The update that moved the branch away from the served commit.
        if (activity.before === base) updates.push(toRefUpdate(activity));
        continue;
      }
      const isRelevant = addsTouching(activity);
      const merged = await readMerged(activity, isRelevant, cache);
      updates.push(toRefUpdate(activity, merged));
      if (isRelevant && !merged?.isWhole) isPushed = true;
    }
    if (!isPushed) return { updates, branches: "unknown" };
    const isSelected = isTouching === "all" ? () => true : isTouching;
    return { updates, branches: await readUpdatesOfAllBranches(commits, isSelected, cache) };
  };

  return { readRefUpdates };
};
