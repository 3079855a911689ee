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
 * Starts what a push asks for, or says why it starts nothing. A push to another branch, a tag or another reference is
 * recorded: when its commits are merged or become a branch, only this record says who pushed them.
 */
export const createPushHandler =
  (source: DeliverySource, { start, pushes }: PushHandlerDependencies) =>
  async (push: Push): Promise<StartDeliveryOutput> => {
    const { repository, ref, before, after, pusher, attempt, startedBy } = push;
    if (repository === source.repository && after !== null && ref !== `refs/heads/${source.branch}`)
      await pushes.recordBranch({ before, after, by: pusher });
    const ignored = findIgnoreReason(push, source);
    if (ignored !== undefined || after === null)
      return { deliveries: [], removed: [], ignored: ignored ?? "" };
    const { runtime } = source;
    const input: StartDeliveryInput = { repository, before, after, pusher, attempt, runtime };
    return start(startedBy === undefined ? input : { ...input, startedBy });
  };

/**
 * Starts deliveries from CodeCommit's events and from GitHub's workflow: a push to the branch that delivers. Any other
 * event is the step's input, written by hand; repository and runtime may be omitted.
 */
export const createPushEventHandler =
  (source: DeliverySource) =>
  (needs: PushHandlerDependencies) =>
  async (event: unknown): Promise<StartDeliveryOutput> => {
    const push = parseCodeCommitPush(event) ?? parseWorkflowPush(event);
    if (push) return createPushHandler(source, needs)(push);
    const { repository, runtime } = source;
    return needs.start(
      typeof event === "object" && event !== null ? { repository, runtime, ...event } : event,
    );
  };
