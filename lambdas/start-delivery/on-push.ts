import type { Pushes } from "#domain/approval/pushes.ts";
import { codeCommitPush } from "./codecommit-push.ts";
import { type Push, whyIgnored } from "./push.ts";
import type { StartDeliveryInput, Started } from "./start-delivery.ts";
import { workflowPush } from "./workflow-push.ts";

export type Ours = {
  readonly repository: string;
  /** The branch that delivers. */
  readonly branch: string;
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
};

export type Needs = {
  readonly start: (event: unknown) => Promise<Started>;
  readonly pushes: Pick<Pushes, "recordBranch">;
};

/**
 * Starts what a push asks for, or says why it asks for nothing. A push to another branch, a tag or whatever else has a name
 * is recorded: when its commits are merged, or a branch is made of them, nothing else says who brought them.
 */
export const startPush =
  (ours: Ours, { start, pushes }: Needs) =>
  async (push: Push): Promise<Started> => {
    const { repository, ref, before, after, pusher, attempt, startedBy } = push;
    if (repository === ours.repository && after !== null && ref !== `refs/heads/${ours.branch}`)
      await pushes.recordBranch({ before, after, by: pusher });
    const ignored = whyIgnored(push, ours);
    if (ignored !== undefined || after === null)
      return { deliveries: [], removed: [], ignored: ignored ?? "" };
    const { runtime } = ours;
    const input: StartDeliveryInput = { repository, before, after, pusher, attempt, runtime };
    return start(startedBy === undefined ? input : { ...input, startedBy });
  };

/**
 * Starts deliveries from CodeCommit's events and from GitHub's workflow: a push to the branch that delivers. What is
 * neither is the step's own input, given by hand; where it does not name repository and runtime, they are ours.
 */
export const onPush =
  (ours: Ours) =>
  (needs: Needs) =>
  async (event: unknown): Promise<Started> => {
    const push = codeCommitPush(event) ?? workflowPush(event);
    if (push) return startPush(ours, needs)(push);
    const { repository, runtime } = ours;
    return needs.start(
      typeof event === "object" && event !== null ? { repository, runtime, ...event } : event,
    );
  };
