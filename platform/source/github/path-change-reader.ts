import { type HistoryCommit, listKnownChanges, type PathChange } from "#platform/source/source.ts";

/** The ids of the objects at the paths, in order, by commit; null: no object. Undefined: the host does not provide them. */
export type ReadObjectIds = (
  commits: readonly string[],
  paths: readonly string[],
) => Promise<ReadonlyMap<string, readonly (string | null)[]> | undefined>;

type Needs<Commit> = {
  readonly commits: readonly Commit[];
  readonly toNode: (commit: Commit) => Pick<HistoryCommit, "id" | "parents">;
  readonly readObjectIds: ReadObjectIds;
  readonly readChanges: (commits: readonly Commit[]) => Promise<readonly (readonly PathChange[])[]>;
  /** The largest number of commits whose changes are read. */
  readonly limit: number;
};

/** The largest number of paths, including the origins of moves; each needs queries for all commits. */
const placesLimit = 100;
/** The largest number of objects to look up, for all paths. */
const lookupLimit = 200_000;

const isInsideAny = (path: string, places: ReadonlySet<string>): boolean => {
  if (places.has(path)) return true;
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    if (places.has(path.slice(0, end))) return true;
  return false;
};

/** Widens a path to its model's folder: moved content may have been in another file of it before. */
const widenToModelFolder = (path: string): string => /^models\/[^/]+(?=\/)/.exec(path)?.[0] ?? path;

/**
 * Reads the changes of all commits that differ from a parent at one of the paths, and follows content that was moved in
 * from other paths. It compares the ids of files and folders of every commit: git's list by path omits merges that took
 * one side unchanged, so it hides who chose that side and who made the same change on the other one.
 *
 * Each call adds paths and `others`: commits outside this history that show where content came from. Undefined above the
 * limits, or if the host does not provide the ids.
 */
export const createPathChangeReader = <Commit>({
  commits,
  toNode,
  readObjectIds,
  readChanges,
  limit,
}: Needs<Commit>) => {
  const nodes = commits.map((commit) => ({ commit, ...toNode(commit) }));
  const ids = [...new Set(nodes.flatMap(({ id, parents }) => [id, ...parents]))];
  const changes = new Map<string, readonly PathChange[]>();
  const places = new Set<string>();
  let lookups = 0;
  return async (
    paths: readonly string[],
    others: readonly HistoryCommit[] = [],
  ): Promise<ReadonlyMap<string, readonly PathChange[]> | undefined> => {
    for (;;) {
      const knownChanges = [...changes.values(), ...others.map(listKnownChanges)].flat();
      const origins = knownChanges.flatMap(({ path, from }) =>
        from !== undefined && isInsideAny(path, places) && !isInsideAny(from, places)
          ? [widenToModelFolder(from)]
          : [],
      );
      const added = [...new Set([...paths, ...origins])].filter((path) => !places.has(path));
      if (added.length === 0) return changes;
      for (const path of added) places.add(path);
      lookups += ids.length * added.length;
      if (places.size > placesLimit || lookups > lookupLimit) return undefined;
      const objects = await readObjectIds(ids, added);
      if (objects === undefined) return undefined;
      const differs = (id: string, parent: string | undefined) => {
        const before = parent === undefined ? [] : objects.get(parent);
        return objects.get(id)?.some((object, index) => object !== (before?.[index] ?? null)) ?? true;
      };
      const touching = nodes.filter(
        ({ id, parents }) =>
          !changes.has(id) &&
          (parents.length === 0 ? differs(id, undefined) : parents.some((parent) => differs(id, parent))),
      );
      if (changes.size + touching.length > limit) return undefined;
      const touchingChanges = await readChanges(touching.map(({ commit }) => commit));
      for (const [index, { id }] of touching.entries()) changes.set(id, touchingChanges[index] ?? []);
    }
  };
};
