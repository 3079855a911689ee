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

/** Who made a change, as far as that can be told. */
export const Contributors = z.object({
  /** Addresses that people are known by. */
  people: z.array(z.string()),
  /** Each raises the quorum by one. */
  unmapped: z.array(z.object({ identity: z.string(), why: z.string() })),
});
export type Contributors = z.infer<typeof Contributors>;

type ChangeHistory = {
  readonly model: string;
  /** The commit that is delivered. */
  readonly head: string;
  /** What prod serves; undefined: nothing yet. */
  readonly base: string | undefined;
  /** Commits that either the head or what prod serves has, and the other has not. */
  readonly commits: readonly HistoryCommit[];
  /** Those of them that prod's commit has and the delivered one has not. */
  readonly taken: ReadonlySet<string>;
  readonly complete: boolean;
  /** Merges that hold just what merging their parents gives. */
  readonly cleanMerges: ReadonlySet<string>;
  /** Commits whose runtime serves prod for no model yet. */
  readonly unservedRuntime: ReadonlySet<string>;
  readonly updates: readonly RefUpdate[];
  /** Of every branch, oldest first, as far as they are known. */
  readonly branches: readonly RefUpdate[] | "unknown";
  /** Slipway is told of every push to any branch: one that it does not know needs another approval. */
  readonly isEveryBranchTold: boolean;
  /** Who started this delivery, by what authenticated them; null: it is not known. */
  readonly pusher: string | null;
  /** They did so by hand: that they merged the change on the host's pages before does not leave them out. */
  readonly isByHand: boolean;
  readonly identify: IdentityResolver;
};

/** GitHub commits by this address what is done on its pages. */
const hostAddress = "noreply@github.com";

const findModelFolder = (path: string): string => /^models\/[^/]+\//.exec(path)?.[0] ?? path;
export const isUnderPaths = (path: string, places: ReadonlySet<string>): boolean =>
  places.has(path) || places.has(findModelFolder(path));

/** The model's folder, and every place that content of it was moved or copied from. */
export const traceModelPaths = (model: string, commits: readonly HistoryCommit[]): ReadonlySet<string> => {
  const places = new Set([`models/${model}/`]);
  for (let size = 0; size !== places.size; ) {
    size = places.size;
    for (const changes of commits.map(listKnownChanges))
      for (const { path, from } of changes) {
        if (from === undefined || !isUnderPaths(path, places)) continue;
        // What was moved leaves its place; what was copied is this one file's history.
        const isMoved = changes.some((other) => other.path === from);
        places.add(isMoved ? findModelFolder(from) : from);
      }
  }
  return places;
};

/** What was committed on the branch itself: the other parents of its merges are what was merged into it. */
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
 * What the host made of a pull request's commits: what bears its signature, and copies by rebase, which bear none, where
 * the list of what they were copied from is whole.
 */
const isMadeByHost = (
  { commits, isWhole }: MergedPullRequest,
  { author: of, parents, signature }: HistoryCommit,
): boolean =>
  signature.by === "host" ||
  (isWhole &&
    signature.by === "nobody" &&
    parents.length === 1 &&
    commits.some(({ author }) => author.name === of.name && author.email === of.email));

/**
 * The contributors of a change: authors, committers and co-authors of the commits that touch the model (or the runtime,
 * while it serves prod for no model), whoever pushed them, and whoever started the delivery.
 *
 * What a commit says is a claim, and a claim only ever adds somebody. What the code host vouches for can leave somebody
 * out: a merge that adds nothing of its own, the host's own identity where its signature verifies, and whoever merged a
 * pull request on the host's pages, or pushed commits that their makers signed, or that another had pushed to a branch
 * before. Where the delivered commit lacks what prod serves nobody is left out, and who took it away counts.
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

  /** Addresses that the host knows to be an account's, because their owner proved it. */
  const addresses = new Map<string, string[]>();
  for (const { authorAccount, author } of [...commits, ...pulls]) {
    if (authorAccount === null || identify.claimed(author.email).kind !== "person") continue;
    const account = parseAccount(authorAccount);
    addresses.set(account, [...(addresses.get(account) ?? []), author.email]);
  }

  const add = (identity: string, found: ResolvedIdentity): void => {
    if (found.kind === "person") people.add(found.email);
    if (found.kind === "unmapped" && !unmapped.has(identity)) unmapped.set(identity, found.why);
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
    const found = identify.authenticated(identity);
    const proven = addresses.get(parseAccount(identity)) ?? [];
    if (found.kind !== "unmapped" || proven.length === 0) add(parseAccount(identity), found);
    else for (const email of proven) add(email, identify.claimed(email));
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
  /** Somebody took away a change of the model, whatever the commits hold that are there instead. */
  const isRewritten = [...change.taken].some((id) => relevant.has(id));
  // A merge of older commits adds nothing and takes away what came after them.
  const cleanMerges: ReadonlySet<string> = isRewritten ? new Set() : change.cleanMerges;
  const changing = [...relevant.values()].filter(({ id }) => !cleanMerges.has(id));

  /** Who opened a pull request and pushed to its branch, where it touched the model, and who made its commits. */
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
   * Whether a person pushed it before: only where every push is told of is the first that is known the first. A bot's push
   * names nobody, and whoever is unmapped may be the one who moves the branch.
   */
  const isByOther = (pushed: RefUpdate | null | undefined): boolean =>
    change.isEveryBranchTold &&
    typeof pushed?.by === "string" &&
    pushed.merged === null &&
    identify.authenticated(pushed.by).kind === "person";

  /** Made by the host itself when it merged a pull request: the request's own commits say whose work they are. */
  const hostMade = new Set<string>();
  const covered = new Set<string>();
  const excused = new Set<string>();
  /** Commits that lay on a branch, or were merged from one, without a record of who pushed them there. */
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
    // Whoever moves this branch to commits that were pushed to another did not make them: who pushed them first may have.
    const direct = collectFirstParents(after, byId);
    /** Commits whose maker this mover may be. */
    const own: HistoryCommit[] = [];
    for (const commit of unsigned) {
      const { id } = commit;
      const pushed = first.get(id);
      const isThis = pushed?.after === after && pushed.before === before && pushed.by === by;
      if (isThis || !isByOther(pushed)) own.push(commit);
      if (pushed?.merged) addPull(pushed.merged, withRuntime, true);
      else if (pushed) {
        if (pushed.by !== null) addAuthenticated(pushed.by);
        // The first push of a repository brings what was made elsewhere.
        const isMerged = isThis && before !== null && !direct.has(id);
        if (isMerged ? change.isEveryBranchTold : !isThis && pushed.by === null) unpushed.add(id);
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
