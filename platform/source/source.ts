import * as z from "zod";
export const CommitId = z.string().regex(/^[0-9a-f]{40}$/, "a commit is 40 hex digits");

export type Commit = {
  /** 40 hex digits. */
  readonly id: string;
  readonly author: { readonly name: string; readonly email: string };
  /** First line of the message. */
  readonly subject: string;
  /** ISO 8601. */
  readonly committedAt: string;
};

/** Whoever a commit names. It is a claim: anyone can write any name into a commit. */
export type NamedPerson = { readonly name: string; readonly email: string };

/** One path that a commit changes; of a merge, against any of its parents. */
export type PathChange = {
  readonly path: string;
  /** Where its content came from, where the file was renamed or copied. */
  readonly from?: string;
};

export type HistoryCommit = {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: NamedPerson;
  readonly committer: NamedPerson;
  readonly coAuthors: readonly NamedPerson[];
  /**
   * "elsewhere": they were not read, because it leaves everything that the history was asked about as each of its parents
   * has it. What else it changes is not known.
   */
  readonly changes: readonly PathChange[] | "elsewhere";
  /**
   * Whose signature the code host has verified: its own, which it gives to what is done on its pages, or that of an
   * account (`github:ada`).
   */
  readonly signature: { readonly by: "nobody" | "host" } | { readonly by: "account"; readonly login: string };
  /** The account that the host knows the author's address to belong to, `github:ada`; null: none, or it does not say. */
  readonly authorAccount: string | null;
};

/** What a commit is known to change of what its history was asked about. */
export const listKnownChanges = ({ changes }: Pick<HistoryCommit, "changes">): readonly PathChange[] =>
  changes === "elsewhere" ? [] : changes;

/** A pull request as the code host merged it, by its own record and not by what its commits say. */
export type MergedPullRequest = {
  readonly name: string;
  readonly commits: readonly HistoryCommit[];
  /** Who opened it and who pushed to its branch, `github:ada`; null: the host does not say who pushed. */
  readonly by: readonly (string | null)[];
  /** What the host had merged into its branch, or into another that had its commits first: others' work, not who merged. */
  readonly merges: readonly MergedPullRequest[];
  /** False: the host does not give all of its commits. */
  readonly isWhole: boolean;
};

/** That a branch was moved, as the code host, or Slipway at each push, recorded it. */
export type RefUpdate = {
  /** null: the branch was created. */
  readonly before: string | null;
  readonly after: string;
  /** Who did it: `github:ada`, an ARN, an e-mail address; null: it is not known. */
  readonly by: string | null;
  /** The host itself moved the branch, by merging this pull request. */
  readonly merged: MergedPullRequest | null;
};

export type History = {
  /** Newest first. */
  readonly commits: readonly HistoryCommit[];
  /** Of the branch that `head` lies on, in any order; empty where the host keeps no record. */
  readonly updates: readonly RefUpdate[];
  /**
   * Of every branch, oldest first, as far as the host's own record is read. "told": the host keeps none, and tells Slipway
   * of each push; "unknown": neither, or nobody needs it.
   */
  readonly branches: readonly RefUpdate[] | "told" | "unknown";
  /** False: there are more commits than were read. */
  readonly complete: boolean;
};

/** Where a person sees what differs: a page, or where there is none the command that shows it. */
type DiffLink =
  | { readonly kind: "page"; readonly url: string }
  | { readonly kind: "command"; readonly line: string };

/** The repository that data scientists commit models to. */
export interface Source {
  /** Resolves a branch, tag or abbreviated id. Throws CommitNotFound. */
  commit(revision: string): Promise<Commit>;
  /** Paths that differ between two commits (deleted ones included); `before` undefined: all paths of `after`. */
  changedPaths(before: string | undefined, after: string): Promise<readonly string[]>;
  /** Names of the models that exist at a commit: folders under `models/`. */
  models(commit: string): Promise<readonly string[]>;
  /**
   * The files of `models/<model>/` at a commit, by their path inside that folder: all, or those of `names` that are there.
   * Empty: no such model there. Throws ModelFilesRefused for a folder that cannot be delivered, whichever of its files are
   * read.
   */
  modelFiles(
    model: string,
    commit: string,
    names?: readonly string[],
  ): Promise<ReadonlyMap<string, Uint8Array>>;
  /**
   * An id of the content of every file of `models/<model>/` at a commit, by its path inside that folder: equal for equal
   * content within this repository, and read without the content. Throws ModelFilesRefused.
   */
  modelFileIds(model: string, commit: string): Promise<ReadonlyMap<string, string>>;
  /** One file by its path from the repository's root. */
  file(path: string, commit: string): Promise<Uint8Array | undefined>;
  /** Where a person sees how these paths differ between two commits. */
  linkDiff(before: string, after: string, paths: readonly string[]): Promise<DiffLink>;
}

/** Who made what in that repository. */
export interface CommitHistory {
  /**
   * The commits that `head` has and none of `without` has, with what the host knows of who brought them. Throws
   * CommitNotFound for either.
   *
   * `about`: the files and folders, from the repository's root, that matter to the caller; undefined: all. Empty: the
   * commits alone. A host that reads each commit's changes by a call of its own may then leave out those of the others
   * ("elsewhere"), and so reach further back. What counts as touching them is exact: a commit, a merge too, that has
   * something else there than any of its parents. Where content came from elsewhere, that place matters from then on. So
   * nobody is left out whom the whole history would name, with one exception: a file in `about` whose mode alone changed.
   */
  history(head: string, without: readonly string[], about?: readonly string[]): Promise<History>;
  /** Whether a merge holds just what merging its parents gives, recomputed. False where that cannot be told. */
  isCleanMerge(commit: string): Promise<boolean>;
}

export class CommitNotFound extends Error {
  override readonly name = "CommitNotFound";
}

/** A model's folder holds what cannot be delivered: a symbolic link, a submodule, too many bytes. */
export class ModelFilesRefused extends Error {
  override readonly name = "ModelFilesRefused";
}

type CommitNode = Pick<HistoryCommit, "id" | "parents">;

/** All of these commits that one of them has, itself included, but for `known`, which has all that each of its own has. */
export const findReachableCommits = <Commit extends CommitNode>(
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
export const findFirstUpdates = <Update extends Pick<RefUpdate, "before" | "after">>(
  commits: readonly CommitNode[],
  updates: readonly Update[],
): ReadonlyMap<string, Update | null> => {
  const byId = new Map(commits.map((commit) => [commit.id, commit]));
  const first = new Map<string, Update | null>();
  for (const update of updates) {
    for (const id of findReachableCommits(update.before, byId, first)) first.set(id, null);
    for (const id of findReachableCommits(update.after, byId, first)) first.set(id, update);
  }
  return first;
};
