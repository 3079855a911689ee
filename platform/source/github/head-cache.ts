import type { MergedPullRequest } from "#platform/source/source.ts";
import type { Activity } from "./response-schemas.ts";

/** Updates of branches, newest first. `isWhole`: all of GitHub's record was read. */
export type ActivityRecord = { readonly activities: readonly Activity[]; readonly isWhole: boolean };

/** Cached responses for one head, because its history is read once for each model's served commit. */
export type HeadCache = {
  readonly head: string;
  /** By the repository for all of its branches; by name and base for the default branch. */
  readonly records: Map<string, ActivityRecord>;
  /** By the commit to which the branch moved. */
  readonly pullRequests: Map<string, MergedPullRequest>;
  /** Pull requests that are being read, so that a record that leads back to one of them ends there. */
  readonly openPullRequests: Set<string>;
};

export const createHeadCache = (head: string): HeadCache => ({
  head,
  records: new Map(),
  pullRequests: new Map(),
  openPullRequests: new Set(),
});

/** Reads a record and caches it, unless the cache has it. */
export const readRecordOnce = async (
  key: string,
  { records }: HeadCache,
  readRecord: () => Promise<ActivityRecord>,
): Promise<ActivityRecord> => {
  const record = records.get(key) ?? (await readRecord());
  records.set(key, record);
  return record;
};
