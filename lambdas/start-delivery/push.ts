/** A reference of a repository that was moved, whoever told of it. */
export type Push = {
  readonly repository: string;
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  /** null: the reference was created. */
  readonly before: string | null;
  /** null: the reference was deleted. */
  readonly after: string | null;
  /** The reference left commits behind that it had. */
  readonly forced: boolean;
  /** Who pushed, as the host authenticated them; null where it did not. */
  readonly pusher: string | null;
  /** Above 1: a person ran the same push again. */
  readonly attempt: number;
  /** Who did; null: it is not known. */
  readonly startedBy?: string | null;
};

/** Why a push starts no delivery, in a sentence; undefined: it may. */
export const findIgnoreReason = (
  { repository, ref, after, forced }: Push,
  ours: { readonly repository: string; readonly branch: string },
): string | undefined => {
  if (repository !== ours.repository)
    return `The push is to ${repository}, and deliveries come from ${ours.repository}.`;
  if (ref.startsWith("refs/tags/"))
    return "A tag delivers nothing: a commit was delivered when it was pushed.";
  if (ref !== `refs/heads/${ours.branch}`)
    return `Only pushes to ${ours.branch} deliver, and this is ${ref}.`;
  if (after === null) return `${ours.branch} was deleted: there is nothing to deliver.`;
  if (forced)
    return `${ours.branch} was rewritten: what its new commits change against which old ones is not certain. Deliver by hand: slipway deliver <model>.`;
  return undefined;
};
