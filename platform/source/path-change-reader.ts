import { type HistoryCommit, listKnownChanges, type PathChange } from "./source.ts";

/** By commit: the ids of what lies at each of the paths, in their order; null: nothing. Undefined: the host does not say. */
export type ReadObjectIds = (
  commits: readonly string[],
  paths: readonly string[],
) => Promise<ReadonlyMap<string, readonly (string | null)[]> | undefined>;

type Needs<Commit> = {
  readonly commits: readonly Commit[];
  readonly node: (commit: Commit) => Pick<HistoryCommit, "id" | "parents">;
  readonly objectsAt: ReadObjectIds;
  readonly changesOf: (commits: readonly Commit[]) => Promise<readonly (readonly PathChange[])[]>;
  /** The most commits whose changes are read. */
  readonly limit: number;
};

/** Places that content is followed to; each costs as many queries as the paths that were asked about. */
const placesLimit = 100;
/** The most objects that are asked for, whatever the chain of places. */
const lookupLimit = 200_000;

const isInsideAny = (path: string, places: ReadonlySet<string>): boolean => {
  if (places.has(path)) return true;
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    if (places.has(path.slice(0, end))) return true;
  return false;
};

/** Another model's folder as a whole: what was moved out of it may have been in another of its files before. */
const widenToModelFolder = (path: string): string => /^models\/[^/]+(?=\/)/.exec(path)?.[0] ?? path;

/**
 * Reads the changes of those commits that have something else at a path than one of their parents has there, and follows
 * what was moved in from elsewhere. Compared are the ids of files and folders, of every commit: git's own list by path
 * leaves out what a merge took from one side alone, and so also who chose that side, and who made the same on the other.
 *
 * Each call adds paths, and `others`, commits that are not of this history and say where content came from. Undefined:
 * more than the limits, or the host does not say.
 */
export const createPathChangeReader = <Commit>({
  commits,
  node,
  objectsAt,
  changesOf,
  limit,
}: Needs<Commit>) => {
  const nodes = commits.map((commit) => ({ commit, ...node(commit) }));
  const ids = [...new Set(nodes.flatMap(({ id, parents }) => [id, ...parents]))];
  const changes = new Map<string, readonly PathChange[]>();
  const places = new Set<string>();
  let asks = 0;
  return async (
    paths: readonly string[],
    others: readonly HistoryCommit[] = [],
  ): Promise<ReadonlyMap<string, readonly PathChange[]> | undefined> => {
    for (;;) {
      const known = [...changes.values(), ...others.map(listKnownChanges)].flat();
      const origins = known.flatMap(({ path, from }) =>
        from !== undefined && isInsideAny(path, places) && !isInsideAny(from, places)
          ? [widenToModelFolder(from)]
          : [],
      );
      const added = [...new Set([...paths, ...origins])].filter((path) => !places.has(path));
      if (added.length === 0) return changes;
      for (const path of added) places.add(path);
      asks += ids.length * added.length;
      if (places.size > placesLimit || asks > lookupLimit) return undefined;
      const objects = await objectsAt(ids, added);
      if (objects === undefined) return undefined;
      const differs = (one: string, other: string | undefined) => {
        const before = other === undefined ? [] : objects.get(other);
        return objects.get(one)?.some((object, index) => object !== (before?.[index] ?? null)) ?? true;
      };
      const touching = nodes.filter(
        ({ id, parents }) =>
          !changes.has(id) &&
          (parents.length === 0 ? differs(id, undefined) : parents.some((parent) => differs(id, parent))),
      );
      if (changes.size + touching.length > limit) return undefined;
      const read = await changesOf(touching.map(({ commit }) => commit));
      for (const [index, { id }] of touching.entries()) changes.set(id, read[index] ?? []);
    }
  };
};
