import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { LocalFile } from "#platform/files/local-file.ts";

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

/** A person that a commit names. It is a claim: anyone can write any name into a commit. */
export type NamedPerson = { readonly name: string; readonly email: string };

/** One path that a commit changes; for a merge, against any of its parents. */
export type PathChange = {
  readonly path: string;
  /** The origin of its content, if the file was renamed or copied. */
  readonly from?: string;
};

export type HistoryCommit = {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: NamedPerson;
  readonly committer: NamedPerson;
  readonly coAuthors: readonly NamedPerson[];
  /**
   * "elsewhere": not read, because the commit leaves the files that the history is about as each parent has them. Its
   * other changes are not known.
   */
  readonly changes: readonly PathChange[] | "elsewhere";
  /**
   * The signature that the code host verified: of the host, which signs what is done on its pages, or of an account
   * (`github:ada`).
   */
  readonly signature: { readonly by: "nobody" | "host" } | { readonly by: "account"; readonly login: string };
  /** The account to which the host assigns the author's address, `github:ada`; null: none, or the host does not say. */
  readonly authorAccount: string | null;
};

/** The known changes of a commit in the files that its history is about. */
export const listKnownChanges = ({ changes }: Pick<HistoryCommit, "changes">): readonly PathChange[] =>
  changes === "elsewhere" ? [] : changes;

/** A pull request as the code host merged it, from its record and not from the commits. */
export type MergedPullRequest = {
  readonly name: string;
  readonly commits: readonly HistoryCommit[];
  /** Who opened it and who pushed to its branch, `github:ada`; null: the host does not say who pushed. */
  readonly by: readonly (string | null)[];
  /** Merges of the host into its branch, or into another that had its commits first: their authors are others. */
  readonly merges: readonly MergedPullRequest[];
  /** False: the host does not return all of its commits. */
  readonly isWhole: boolean;
};

/** A move of a branch, as the code host, or Slipway at each push, recorded it. */
export type RefUpdate = {
  /** null: the branch was created. */
  readonly before: string | null;
  readonly after: string;
  /** Who did it: `github:ada`, an ARN, an e-mail address; null: not known. */
  readonly by: string | null;
  /** The host itself moved the branch, by merging this pull request. */
  readonly merged: MergedPullRequest | null;
};

export type History = {
  /** Newest first. */
  readonly commits: readonly HistoryCommit[];
  /** Updates of the branch that contains `head`, in any order; empty if the host keeps no record. */
  readonly updates: readonly RefUpdate[];
  /**
   * Updates of every branch, oldest first, as far as the host's record was read. "told": the host keeps no record, but
   * reports each push to Slipway; "unknown": neither, or the caller does not need it.
   */
  readonly branches: readonly RefUpdate[] | "told" | "unknown";
  /** False: there are more commits than were read. */
  readonly complete: boolean;
};

/** Shows a person a commit or a difference: a page, or the command where there is no page. */
export const SourceLink = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("page"), url: z.string() }),
  z.object({ kind: z.literal("command"), line: z.string() }),
]);
export type SourceLink = z.infer<typeof SourceLink>;

/** The repository to which data scientists commit models. */
export interface Source {
  /** Resolves a branch, tag or abbreviated id. Throws CommitNotFound. */
  commit(revision: string): Promise<Commit>;
  /** Paths that differ between two commits (deleted ones included); `before` undefined: all paths of `after`. */
  changedPaths(before: string | undefined, after: string): Promise<readonly string[]>;
  /** Names of the models that exist at a commit: folders under `models/`. */
  models(commit: string): Promise<readonly string[]>;
  /**
   * Those of the named files of `models/<model>/` that exist at a commit, by their path inside that folder. Throws
   * ModelFilesRefused for a folder that cannot be delivered, even if the files that prevent it are not read.
   */
  modelFiles(
    model: string,
    commit: string,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, Uint8Array>>;
  /**
   * Copies every file of `models/<model>/` at a commit into an empty folder of this machine, by streams, and returns the
   * copies by their path in the model's folder. The copies have other names: a committed name may not be one here.
   * Empty: no such model. Throws ModelFilesRefused.
   */
  copyModelFiles(model: string, commit: string, folder: string): Promise<ReadonlyMap<string, LocalFile>>;
  /**
   * An id of the content of every file of `models/<model>/` at a commit, by its path inside that folder: equal for equal
   * content within this repository, and read without the content. Throws ModelFilesRefused.
   */
  modelFileIds(model: string, commit: string): Promise<ReadonlyMap<string, string>>;
  /** One file by its path from the repository's root. */
  file(path: string, commit: string): Promise<Uint8Array | undefined>;
  /** Shows a person how these paths differ between two commits. */
  linkDiff(before: string, after: string, paths: readonly string[]): Promise<SourceLink>;
  /** Shows a person a commit with its message. */
  linkCommit(commit: string): Promise<SourceLink>;
}

/** Who made what in that repository. */
export interface CommitHistory {
  /**
   * The commits that `head` has and none of `without` has, with what the host knows about who pushed them. Throws
   * CommitNotFound for any of these revisions.
   *
   * `about`: the files and folders, from the repository's root, that matter to the caller; undefined: all. Empty: only
   * the commits, without changes. A host that needs a call for each commit's changes may omit those of other commits
   * ("elsewhere"), and so read a longer history. A commit, or a merge, touches a path exactly if it has other
   * content there than any of its parents. If content was moved from another path, that path matters too. So the list
   * names everyone that the full history would name, except for a file in `about` of which only the mode changed.
   */
  history(head: string, without: readonly string[], about?: readonly string[]): Promise<History>;
  /** Recomputes a merge: whether it contains only what the merge of its parents gives. False if that is not certain. */
  isCleanMerge(commit: string): Promise<boolean>;
}

export class CommitNotFound extends SlipwayError {
  override readonly name = "CommitNotFound";
  override readonly retryable = false;
}

/** A model's folder contains what cannot be delivered: a symbolic link, a submodule, too many bytes. */
export class ModelFilesRefused extends SlipwayError {
  override readonly name = "ModelFilesRefused";
  override readonly retryable = false;
}

type CommitNode = Pick<HistoryCommit, "id" | "parents">;

/** The commits that `from` reaches, itself included, up to `known`, which contains every ancestor of its commits. */
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
 * The branch update that first added each commit: a person who moves a branch to an existing commit did not create it.
 * `updates`: oldest first. null: a branch had the commit before its record starts.
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
