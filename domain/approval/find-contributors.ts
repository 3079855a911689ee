import pMap from "p-map";
import type { Ledger } from "#domain/ledger/ledger.ts";
import {
  type CommitHistory,
  CommitNotFound,
  type History,
  type HistoryCommit,
  listKnownChanges,
  type Source,
} from "#platform/source/source.ts";
import {
  type Contributors,
  deriveContributors,
  isUnderPaths,
  traceModelPaths,
} from "./derive-contributors.ts";
import type { Identities } from "./identities.ts";
import { createIdentityResolver, listKnownDomains } from "./identity-resolver.ts";
import type { PushLog } from "./push-log.ts";
import { isRuntimePath, runtimeRoots } from "./runtime-paths.ts";

export type FindContributorsDependencies = {
  readonly source: CommitHistory & Pick<Source, "models">;
  readonly ledger: Pick<Ledger, "serving">;
  readonly pushes: Pick<PushLog, "since" | "ofBranches" | "isByHand">;
};

type ContributorsQuery = {
  /** The delivery's name. */
  readonly delivery: string;
  readonly model: string;
  readonly commit: string;
  readonly pusher: string | null;
  readonly identities: Identities;
  /** "any": addresses of every domain count. */
  readonly addresses: "organisation" | "any";
};

/** How many merges one delivery repeats at most, to see whether they were clean. */
const maxMerges = 100;
const mergeConcurrency = 4;

const emptyHistory: History = { commits: [], updates: [], branches: "unknown", complete: true };

/**
 * The contributors of everything that a delivery changes on prod, from the source's history and the push log. If the
 * delivered commit does not contain what prod serves, both sides count: removing a commit changes the model too.
 */
export const findContributors =
  ({ source, ledger, pushes }: FindContributorsDependencies) =>
  async ({
    delivery,
    model,
    commit,
    pusher,
    identities,
    addresses,
  }: ContributorsQuery): Promise<Contributors> => {
    const relevantPaths = [`models/${model}`, ...runtimeRoots];
    /** Undefined: a commit is no longer in the repository. */
    const between = async (
      head: string,
      without: readonly string[],
      paths: readonly string[] = relevantPaths,
    ): Promise<History | undefined> => {
      try {
        return await source.history(head, without, paths);
      } catch (error) {
        if (error instanceof CommitNotFound && without.length > 0) return undefined;
        throw error;
      }
    };
    // If the served commit is no longer in the repository, every commit counts, as for a first version.
    const served = (await ledger.serving("prod", model))?.commit;
    const since = served === undefined ? undefined : await between(commit, [served]);
    const base = since === undefined ? undefined : served;
    const history = since ?? (await source.history(commit, [], relevantPaths));
    const left = base === undefined ? emptyHistory : ((await between(base, [commit])) ?? emptyHistory);
    const commits = [...history.commits, ...left.commits];

    const touchesRuntime = (commit: HistoryCommit) =>
      listKnownChanges(commit).some(({ path }) => isRuntimePath(path));
    const unservedRuntime = async (): Promise<ReadonlySet<string>> => {
      const all = new Set(commits.map(({ id }) => id));
      if (!commits.some(touchesRuntime)) return new Set();
      for (const other of await source.models(commit)) {
        const serving = other === model ? undefined : (await ledger.serving("prod", other))?.commit;
        const unserved = serving === undefined ? undefined : await between(commit, [serving], []);
        if (!unserved) continue;
        const ids = new Set(unserved.commits.map(({ id }) => id));
        if (unserved.complete) for (const { id } of history.commits) if (!ids.has(id)) all.delete(id);
      }
      return all;
    };

    const recorded = await pushes.since(base);
    const hostUpdates = new Set(history.updates.map(({ after }) => after));
    const listBranchPushes = async () => {
      const pushed = await pushes.ofBranches(commits.map(({ id }) => id));
      return [...pushed, ...recorded.toReversed()].toSorted((a, b) => a.at - b.at);
    };
    const change = {
      model,
      head: commit,
      base,
      commits,
      taken: new Set(left.commits.map(({ id }) => id)),
      complete: history.complete && left.complete,
      unservedRuntime: await unservedRuntime(),
      // The host's own record of a push has more fields than the event of the push.
      updates: [...history.updates, ...recorded.filter(({ after }) => !hostUpdates.has(after))],
      branches: history.branches === "told" ? await listBranchPushes() : history.branches,
      receivesEveryPush: history.branches === "told",
      pusher,
      isByHand: await pushes.isByHand({ delivery, by: pusher }),
      identify: createIdentityResolver(identities, listKnownDomains(identities, addresses)),
    };
    const places = traceModelPaths(model, commits);
    const merges = commits.filter(
      (merge) =>
        merge.parents.length > 1 &&
        (touchesRuntime(merge) || listKnownChanges(merge).some(({ path }) => isUnderPaths(path, places))),
    );
    // Each takes a dozen calls of the code host or more. Older merges count as changes by their committers.
    const recent = merges.slice(0, maxMerges);
    const areClean = await pMap(recent, ({ id }) => source.isCleanMerge(id), {
      concurrency: mergeConcurrency,
    });
    const cleanMerges = new Set(recent.flatMap(({ id }, index) => (areClean[index] ? [id] : [])));
    return deriveContributors({ ...change, cleanMerges });
  };
