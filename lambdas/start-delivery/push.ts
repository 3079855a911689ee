/** A repository's reference that moved, as any source host reports it. */
export type Push = {
  readonly repository: string;
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  /** null: the reference was created. */
  readonly before: string | null;
  /** null: the reference was deleted. */
  readonly after: string | null;
  /** The reference lost commits that it had. */
  readonly forced: boolean;
  /** Who pushed, as the host authenticated them; null if it did not. */
  readonly pusher: string | null;
  /** Above 1: a person ran the same push again. */
  readonly attempt: number;
  /** Who ran it again; null: not known. */
  readonly startedBy?: string | null;
};

/** Why a push starts no delivery, as a sentence; undefined if it may start one. */
export const findIgnoreReason = (
  { repository, ref, after, forced }: Push,
  source: { readonly repository: string; readonly branch: string },
): string | undefined => {
  if (repository !== source.repository)
    return `The push is to ${repository}, and deliveries come from ${source.repository}.`;
  if (ref.startsWith("refs/tags/"))
    return "A tag delivers nothing: a commit was delivered when it was pushed.";
  if (ref !== `refs/heads/${source.branch}`)
    return `Only pushes to ${source.branch} deliver, and this is ${ref}.`;
  if (after === null) return `${source.branch} was deleted: there is nothing to deliver.`;
  if (forced)
    return `${source.branch} was rewritten: what its new commits change against which old ones is not certain. Deliver by hand: slipway deliver <model>.`;
  return undefined;
};
