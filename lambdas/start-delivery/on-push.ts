import * as z from "zod";
import { CommitId } from "../../statemachine/contracts.ts";
import type { StartDeliveryInput, Started } from "./start-delivery.ts";

/**
 * What is read of CodeCommit's event on EventBridge.
 * https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
 */
const RepositoryChanged = z.object({
  source: z.literal("aws.codecommit"),
  detail: z.object({
    event: z.string(),
    repositoryName: z.string(),
    referenceType: z.string(),
    referenceName: z.string(),
    /** Absent where the reference was deleted. */
    commitId: CommitId.optional(),
    /** Absent where it was created. */
    oldCommitId: CommitId.optional(),
    callerUserArn: z.string().optional(),
  }),
});

type Ours = {
  readonly repository: string;
  /** The branch that delivers. */
  readonly branch: string;
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
};

/** Who pushed: the e-mail that a federated session is named by, which approvers are compared with; else the ARN. */
const pusherOf = (arn: string | undefined): string | null => {
  const session = arn?.split("/").at(-1);
  return (session?.includes("@") ? session : arn) ?? null;
};

/**
 * Starts deliveries from CodeCommit's events: a push to the branch that delivers. Other branches, tags, repositories
 * and deletions start none. What is no such event is the step's own input, given by hand.
 */
export const onPush =
  ({ repository, branch, runtime }: Ours) =>
  (start: (event: unknown) => Promise<Started>) =>
  async (event: unknown): Promise<Started> => {
    const changed = RepositoryChanged.safeParse(event);
    if (!changed.success) return start(event);
    const { detail } = changed.data;
    const { commitId, referenceType: type, referenceName: name } = detail;
    const delivers = detail.repositoryName === repository && type === "branch" && name === branch;
    if (!delivers || commitId === undefined) return { deliveries: [], removed: [] };
    const push: StartDeliveryInput = {
      repository,
      before: detail.oldCommitId ?? null,
      after: commitId,
      pusher: pusherOf(detail.callerUserArn),
      runtime,
    };
    return start(push);
  };
