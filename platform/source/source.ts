export type Commit = {
  /** 40 hex digits. */
  readonly id: string;
  readonly author: { readonly name: string; readonly email: string };
  /** First line of the message. */
  readonly subject: string;
  /** ISO 8601. */
  readonly committedAt: string;
};

/** The repository that data scientists commit models to. */
export interface Source {
  /** Resolves a branch, tag or abbreviated id. Throws CommitNotFound. */
  commit(revision: string): Promise<Commit>;
  /** Paths that differ between two commits (deleted ones included); `before` undefined: all paths of `after`. */
  changedPaths(before: string | undefined, after: string): Promise<readonly string[]>;
  /** Names of the models that exist at a commit: folders under `models/`. */
  models(commit: string): Promise<readonly string[]>;
  /** Every file of `models/<model>/` at a commit, by its path inside that folder. Empty: no such model there. */
  modelFiles(model: string, commit: string): Promise<ReadonlyMap<string, Uint8Array>>;
  /** One file by its path from the repository's root. */
  file(path: string, commit: string): Promise<Uint8Array | undefined>;
}

export class CommitNotFound extends Error {
  override readonly name = "CommitNotFound";
}

/** A model's folder holds what cannot be delivered: a symbolic link, a submodule, too many bytes. */
export class ModelFilesRefused extends Error {
  override readonly name = "ModelFilesRefused";
}
