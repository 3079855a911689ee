import * as z from "zod";
import { callLimitMs, type GitHubClient, gitHubMediaType, pageSize } from "./github-client.ts";
import { type ActivityRecord, type HeadCache, readRecordOnce } from "./head-cache.ts";
import { Activity } from "./response-schemas.ts";

/** The largest number of pages that are read of one record. */
const activityPages = 20;

/** GitHub merged a pull request: the person who pressed the button did not author its content. */
export const isMerge = ({ activity_type: type }: Activity): boolean =>
  type === "pr_merge" || type === "merge_queue_merge";

/** Reads GitHub's record of who moved branches. `fullName`: `owner/name` of the repository or of a fork. */
export const createActivityReader = ({ getResponse, toRefusal, parseJson }: GitHubClient) => {
  /**
   * The updates of a branch (undefined: of all branches), newest first; empty if GitHub does not provide them (a server
   * before 3.11, someone else's repository). https://docs.github.com/en/rest/repos/repos#list-repository-activities
   */
  const readActivities = async (
    fullName: string,
    branch: string | undefined,
    isEnough: (activities: readonly Activity[]) => boolean,
  ): Promise<ActivityRecord> => {
    const activities: Activity[] = [];
    const ref = branch === undefined ? "" : `ref=${encodeURIComponent(`refs/heads/${branch}`)}&`;
    let cursor = "";
    for (let page = 0; page < activityPages; page++) {
      const path = `activity?${ref}per_page=${pageSize}&direction=desc${cursor}`;
      const response = await getResponse(path, gitHubMediaType, callLimitMs, fullName);
      if ([403, 404, 422].includes(response.status)) return { activities, isWhole: false };
      if (!response.ok) throw await toRefusal(path, response);
      activities.push(...(await parseJson(path, response, z.array(Activity))));
      const next = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      const after = next === undefined ? null : new URL(next).searchParams.get("after");
      if (after === null) return { activities, isWhole: true };
      if (isEnough(activities)) break;
      cursor = `&after=${encodeURIComponent(after)}`;
    }
    return { activities, isWhole: false };
  };

  /** The record of all branches, cached for a head: the first push of its commits is older than the head. */
  const readAllBranches = (fullName: string, cache: HeadCache): Promise<ActivityRecord> =>
    readRecordOnce(fullName, cache, () => readActivities(fullName, undefined, () => false));

  return { readActivities, readAllBranches };
};
export type ActivityReader = ReturnType<typeof createActivityReader>;
