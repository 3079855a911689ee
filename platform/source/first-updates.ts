import type { HistoryCommit, RefUpdate } from "./source.ts";

type Node = Pick<HistoryCommit, "id" | "parents">;

/** All of these commits that one of them has, itself included, but for `known`, which has all that each of its own has. */
export const reachable = <Commit extends Node>(
  from: string | null,
  byId: ReadonlyMap<string, Commit>,
  known: Pick<ReadonlySet<string>, "has"> = new Set(),
): ReadonlySet<string> => {
  const seen = new Set<string>();
  const waiting = from === null ? [] : [from];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const commit = byId.get(id);
    if (!commit || seen.has(id) || known.has(id)) continue;
    seen.add(id);
    waiting.push(...commit.parents);
  }
  return seen;
};

/**
 * Which update of any branch brought each commit first: whoever moves a branch to a commit that lies in the repository
 * already has not made it. `updates`: oldest first. null: a branch had the commit before its record begins.
 */
export const firstUpdates = <Update extends Pick<RefUpdate, "before" | "after">>(
  commits: readonly Node[],
  updates: readonly Update[],
): ReadonlyMap<string, Update | null> => {
  const byId = new Map(commits.map((commit) => [commit.id, commit]));
  const first = new Map<string, Update | null>();
  for (const update of updates) {
    for (const id of reachable(update.before, byId, first)) first.set(id, null);
    for (const id of reachable(update.after, byId, first)) first.set(id, update);
  }
  return first;
};
