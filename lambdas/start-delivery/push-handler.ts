import type { PushLog } from "#domain/approval/push-log.ts";
import { parseCodeCommitPush } from "./parse-codecommit-push.ts";
import { parseWorkflowPush } from "./parse-workflow-push.ts";
import { findIgnoreReason, type Push } from "./push.ts";
import type { StartDeliveryInput, StartDeliveryOutput } from "./start-delivery.ts";

type DeliverySource = {
  readonly repository: string;
  /** The branch that delivers. */
  readonly branch: string;
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
};

type PushHandlerDependencies = {
  readonly start: (event: unknown) => Promise<StartDeliveryOutput>;
  readonly pushes: Pick<PushLog, "recordBranch">;
};

/**
 * Starts what a push asks for, or says why it asks for nothing. A push to another branch, a tag or whatever else has a name
 * is recorded: when its commits are merged, or a branch is made of them, nothing else says who brought them.
 */
export const createPushHandler =
  (ours: DeliverySource, { start, pushes }: PushHandlerDependencies) =>
  async (push: Push): Promise<StartDeliveryOutput> => {
    const { repository, ref, before, after, pusher, attempt, startedBy } = push;
    if (repository === ours.repository && after !== null && ref !== `refs/heads/${ours.branch}`)
      await pushes.recordBranch({ before, after, by: pusher });
    const ignored = findIgnoreReason(push, ours);
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
export const createPushEventHandler =
  (ours: DeliverySource) =>
  (needs: PushHandlerDependencies) =>
  async (event: unknown): Promise<StartDeliveryOutput> => {
    const push = parseCodeCommitPush(event) ?? parseWorkflowPush(event);
    if (push) return createPushHandler(ours, needs)(push);
    const { repository, runtime } = ours;
    return needs.start(
      typeof event === "object" && event !== null ? { repository, runtime, ...event } : event,
    );
  };
