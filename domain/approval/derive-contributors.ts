import * as z from "zod";
import {
  findFirstUpdates,
  findReachableCommits,
  type HistoryCommit,
  listKnownChanges,
  type MergedPullRequest,
  type RefUpdate,
} from "#platform/source/source.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { IdentityResolver, ResolvedIdentity } from "./identity-resolver.ts";
import { isRuntimePath } from "./runtime-paths.ts";

export const Contributors = z.object({
  /** Canonical addresses. */
  people: z.array(z.string()),
  /** Each raises the quorum by one. */
  unmapped: z.array(z.object({ identity: z.string(), why: z.string() })),
});
export type Contributors = z.infer<typeof Contributors>;

type ChangeHistory = {
  readonly model: string;
  /** The delivered commit. */
  readonly head: string;
  /** The commit that prod serves; undefined: none yet. */
  readonly base: string | undefined;
  /** Commits that only one of the two contains: the delivered commit or the one that prod serves. */
  readonly commits: readonly HistoryCommit[];
  /** Those that only prod's commit contains. */
  readonly taken: ReadonlySet<string>;
  readonly complete: boolean;
  /** Merges without own changes. */
  readonly cleanMerges: ReadonlySet<string>;
  /** Commits whose runtime no model on prod uses yet. */
  readonly unservedRuntime: ReadonlySet<string>;
  readonly updates: readonly RefUpdate[];
  /** Of every branch, oldest first. */
  readonly branches: readonly RefUpdate[] | "unknown";
  /** Slipway receives every push to any branch, so an unknown push needs an extra approval. */
  readonly receivesEveryPush: boolean;
  /** The authenticated identity that started the delivery; null: unknown. */
  readonly pusher: string | null;
  /** Started by hand: then the pusher counts, even after merging the change on the host's pages. */
  readonly isByHand: boolean;
  readonly identify: IdentityResolver;
};

/** GitHub's committer address for actions on its pages. */
const hostAddress = "noreply@github.com";

const findModelFolder = (path: string): string => /^models\/[^/]+\//.exec(path)?.[0] ?? path;
export const isUnderPaths = (path: string, paths: ReadonlySet<string>): boolean =>
  paths.has(path) || paths.has(findModelFolder(path));

/** The model's folder, and every path that content was moved or copied from. */
export const traceModelPaths = (model: string, commits: readonly HistoryCommit[]): ReadonlySet<string> => {
  const places = new Set([`models/${model}/`]);
  for (let size = 0; size !== places.size; ) {
    size = places.size;
    for (const changes of commits.map(listKnownChanges))
      for (const { path, from } of changes) {
        if (from === undefined || !isUnderPaths(path, places)) continue;
        // A move makes the whole folder relevant, a copy only the one file.
        const isMoved = changes.some((other) => other.path === from);
        places.add(isMoved ? findModelFolder(from) : from);
      }
  }
  return places;
};

/** Commits made on the branch itself; the other parents were merged into it. */
const collectFirstParents = (from: string, byId: ReadonlyMap<string, HistoryCommit>): ReadonlySet<string> => {
  const ids = new Set<string>();
  for (let id: string | undefined = from; id !== undefined && !ids.has(id); id = byId.get(id)?.parents[0])
    ids.add(id);
  return ids;
};

/** The login of `github:ada <ada@example.com>`; any other identity as it is. */
const parseAccount = (identity: string): string => identity.split(" <")[0]?.toLowerCase() ?? identity;

const shortenId = (id: string) => id.slice(0, 12);

const collectCommits = (pull: MergedPullRequest): readonly HistoryCommit[] => [
  ...pull.commits,
  ...pull.merges.flatMap(collectCommits),
];

/**
 * Whether the host created the commit when it merged the pull request: either with its signature, or, in a rebase, as an
 * unsigned copy of a commit of the complete list.
 */
const isMadeByHost = (
  { commits, isWhole }: MergedPullRequest,
  { author: committedAuthor, parents, signature }: HistoryCommit,
): boolean =>
  signature.by === "host" ||
  (isWhole &&
    signature.by === "nobody" &&
    parents.length === 1 &&
    commits.some(
      ({ author }) => author.name === committedAuthor.name && author.email === committedAuthor.email,
    ));

/**
 * The contributors of a change: authors, committers and co-authors of the commits that touch the model (or a runtime that
 * no model on prod uses yet), the people who pushed them, and the person who started the delivery.
 *
 * Names in a commit are unverified, so they only add contributors. Only what the code host authenticates can exclude one:
 * a merge without own changes, the host's identity with a valid signature, and a person who only merged a pull
 * request on the host's pages, or only pushed commits that their authors signed or that another person had pushed to a
 * branch before. If the delivered commit lacks commits that prod serves, all count, and so does who removed them.
 */
export const deriveContributors = (change: ChangeHistory): Contributors => {
  const { model, commits, identify } = change;
  const people = new Set<string>();
  const unmapped = new Map<string, string>();
  const branches = change.branches === "unknown" ? [] : change.branches;
  const pulls = [...change.updates, ...branches].flatMap(({ merged }) =>
    merged === null ? [] : collectCommits(merged),
  );
  const places = traceModelPaths(model, [...commits, ...pulls]);
  const byId = new Map(commits.map((commit) => [commit.id, commit]));

  /** Addresses that the host has verified for an account. */
  const addresses = new Map<string, string[]>();
  for (const { authorAccount, author } of [...commits, ...pulls]) {
    if (authorAccount === null || identify.claimed(author.email).kind !== "person") continue;
    const account = parseAccount(authorAccount);
    addresses.set(account, [...(addresses.get(account) ?? []), author.email]);
  }

  const add = (identity: string, resolved: ResolvedIdentity): void => {
    if (resolved.kind === "person") people.add(resolved.email);
    if (resolved.kind === "unmapped" && !unmapped.has(identity)) unmapped.set(identity, resolved.why);
  };
  const addClaim = ({ name, email }: { readonly name: string; readonly email: string }): void => {
    if (canonicalizeEmail(email) === hostAddress)
      unmapped.set(
        hostAddress,
        "this is the code host's own address, and no signature of the host proves it",
      );
    else add(email === "" ? name : email, identify.claimed(email));
  };
  const addAuthenticated = (identity: string): void => {
    const resolved = identify.authenticated(identity);
    const verified = addresses.get(parseAccount(identity)) ?? [];
    if (resolved.kind !== "unmapped" || verified.length === 0) add(parseAccount(identity), resolved);
    else for (const email of verified) add(email, identify.claimed(email));
  };
  const addCommit = ({ author, committer, coAuthors, signature, authorAccount }: HistoryCommit): void => {
    const byHost = signature.by === "host";
    const isBot = byHost && authorAccount !== null && identify.authenticated(authorAccount).kind === "bot";
    if (!isBot) addClaim(author);
    if (!(byHost && canonicalizeEmail(committer.email) === hostAddress)) addClaim(committer);
    for (const person of coAuthors) if (!(isBot && person.email === author.email)) addClaim(person);
    if (signature.by === "account") addAuthenticated(signature.login);
  };

  const touchesModel = (commit: HistoryCommit) =>
    listKnownChanges(commit).some(({ path }) => isUnderPaths(path, places));
  const touchesRuntime = (commit: HistoryCommit) =>
    listKnownChanges(commit).some(({ path }) => isRuntimePath(path));
  const isRuntime = (commit: HistoryCommit) =>
    change.unservedRuntime.has(commit.id) && touchesRuntime(commit);
  const relevant = new Map(
    commits
      .filter((commit) => touchesModel(commit) || isRuntime(commit))
      .map((commit) => [commit.id, commit]),
  );
  const isTaken = (id: string): boolean => id === change.base || change.taken.has(id);
  /** The delivery removes a commit that changed the model. */
  const isRewritten = [...change.taken].some((id) => relevant.has(id));
  // Here a merge of older commits may remove newer changes, so no merge counts as clean.
  const cleanMerges: ReadonlySet<string> = isRewritten ? new Set() : change.cleanMerges;
  const changing = [...relevant.values()].filter(({ id }) => !cleanMerges.has(id));

  /** Adds the people who opened the pull request or pushed to it, if it touches the model, and the authors of its commits. */
  const addPull = (pull: MergedPullRequest, withRuntime: boolean, isTouched: boolean): void => {
    const changed = pull.commits.filter(
      (commit) => touchesModel(commit) || (withRuntime && touchesRuntime(commit)),
    );
    if (isTouched || changed.length > 0 || !pull.isWhole)
      for (const identity of pull.by)
        if (identity === null)
          unmapped.set(`whoever pushed to ${pull.name}`, "the code host does not say who it was");
        else addAuthenticated(identity);
    for (const commit of changed) addCommit(commit);
    for (const merge of pull.merges) addPull(merge, withRuntime, false);
  };

  /**
   * Whether another person pushed it first. The first known push is only the first if Slipway receives every push. The push
   * of a bot names no person, and an unmapped pusher may be the person who moves the branch.
   */
  const isByOther = (pushed: RefUpdate | null | undefined): boolean =>
    change.receivesEveryPush &&
    typeof pushed?.by === "string" &&
    pushed.merged === null &&
    identify.authenticated(pushed.by).kind === "person";

  /** Created by the host in a merge: the commits of the pull request name the contributors. */
  const hostMade = new Set<string>();
  const covered = new Set<string>();
  const excused = new Set<string>();
  /** Commits from a branch without a record of who pushed them there. */
  const unpushed = new Set<string>();
  const first = findFirstUpdates(commits, branches);
  let isTakerKnown = change.isByHand;
  for (const { before, after, by, merged } of change.updates) {
    if (isRewritten && by !== null && before !== null && isTaken(before) && !isTaken(after)) {
      addAuthenticated(by);
      isTakerKnown = true;
    }
    const reached = findReachableCommits(after, byId);
    const isKnown = before === null || before === change.base || byId.has(before);
    const left = findReachableCommits(before, byId);
    const brought = [...reached].filter((id) => !left.has(id));
    const touched = brought.flatMap((id) => relevant.get(id) ?? []);
    if (isKnown) for (const id of brought) covered.add(id);
    const withRuntime = touched.some(isRuntime);
    const isByHost = merged !== null && isKnown;
    if (isByHost) {
      const known = new Set(merged.commits.map(({ id }) => id));
      for (const id of brought) {
        const commit = byId.get(id);
        if (commit && !known.has(id) && isMadeByHost(merged, commit)) hostMade.add(id);
      }
      if (by !== null && after === change.head) excused.add(parseAccount(by));
      if (touched.length > 0) addPull(merged, withRuntime, true);
      if (merged.isWhole) continue;
    }
    const unsigned = touched.filter(
      ({ id, signature }) => signature.by !== "account" && !cleanMerges.has(id),
    );
    // Commits that were first pushed to another branch belong to that first pusher, not to the one who moves this branch.
    const direct = collectFirstParents(after, byId);
    /** Commits that this pusher may have made. */
    const own: HistoryCommit[] = [];
    for (const commit of unsigned) {
      const { id } = commit;
      const pushed = first.get(id);
      const isThis = pushed?.after === after && pushed.before === before && pushed.by === by;
      if (isThis || !isByOther(pushed)) own.push(commit);
      if (pushed?.merged) addPull(pushed.merged, withRuntime, true);
      else if (pushed) {
        if (pushed.by !== null) addAuthenticated(pushed.by);
        // The first push of a repository brings commits from elsewhere.
        const isMerged = isThis && before !== null && !direct.has(id);
        if (isMerged ? change.receivesEveryPush : !isThis && pushed.by === null) unpushed.add(id);
      } else if (pushed === null) unpushed.add(id);
    }
    if (isByHost) continue;
    if (own.length > 0 && by !== null) addAuthenticated(by);
    if (own.length > 0 && by === null)
      unmapped.set(`whoever pushed ${shortenId(after)}`, "the push does not say who it was");
    if (own.length === 0 && touched.length > 0 && by !== null && after === change.head)
      excused.add(parseAccount(by));
  }

  for (const commit of changing) if (!hostMade.has(commit.id)) addCommit(commit);

  const unknown = changing.filter(
    ({ id, signature }) => signature.by !== "account" && (!covered.has(id) || unpushed.has(id)),
  );
  const [newest] = unknown;
  const more = unknown.length - 1;
  if (newest)
    unmapped.set(
      `whoever pushed ${shortenId(newest.id)}${more === 0 ? "" : ` and ${more} more commit${more === 1 ? "" : "s"}`}`,
      "there is no record of the push",
    );
  if (!change.complete)
    unmapped.set(
      "the authors of older commits",
      `there are more commits than the ${commits.length} that were read`,
    );
  if (isRewritten && !isTakerKnown)
    unmapped.set("whoever took back commits that prod serves", "there is no record of a push that did");
  if (change.pusher === null) unmapped.set("whoever started this delivery", "it does not say who it was");
  else if (change.isByHand || isRewritten || !excused.has(parseAccount(change.pusher)))
    addAuthenticated(change.pusher);

  return {
    people: [...people].toSorted(),
    unmapped: [...unmapped].map(([identity, why]) => ({ identity, why })),
  };
};
